package command

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

// parameter is a configuration parameter of metadb.config.
type parameter struct {
	name string
	// low and high bound an integer; both are zero for other types.
	low, high int
	// repository is true if the value is empty or a repository: URL/refs/KIND/NAME.
	repository bool
	// interval is true if the value is a positive interval. off is true if it may be "off" instead,
	// which is then the default.
	interval, off bool
	// optional is true if the value may be empty.
	optional bool
	// restart is true if the server uses the value only after a restart.
	restart bool
}

// parameters lists the parameters of ALTER SYSTEM.
func parameters() []parameter {
	return []parameter{
		{name: "cancel_blockers_after", interval: true, off: true},
		{name: "checkpoint_segment_size", low: 1, high: 1_000_000, restart: true},
		{name: "external_sql_folio", repository: true},
		{name: "external_sql_reshare", repository: true},
		{name: "kafka_sync_concurrency", low: 1, high: 32, restart: true},
		{name: "log_retention", interval: true, optional: true},
		{name: "max_poll_interval", low: 1000, high: 2_147_483_647, restart: true},
		{name: "snapshot_deadline", interval: true, restart: true},
	}
}

// valueOff is the value of a parameter that is off.
const valueOff = "off"

func findParameter(name lang.Name) (parameter, error) {
	var names []string
	for _, p := range parameters() {
		if p.name == name.Text {
			return p, nil
		}
		names = append(names, p.name)
	}
	valid := suggestionHint(name.Text, names) + "valid parameters are: " + strings.Join(names, ", ")
	return parameter{}, &Error{
		Code: pgcode.UndefinedObject, Message: fmt.Sprintf("unrecognized configuration parameter \"%s\"", name.Text), Hint: valid, Position: name.At,
	}
}

// checkParameter returns an error unless the parameter may have that value.
func (srv *Services) checkParameter(ctx context.Context, p parameter, v lang.Value) error {
	invalid := &Error{Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("invalid value for parameter \"%s\": \"%s\"", p.name, v.Text), Position: v.At}
	switch {
	case p.optional && v.Text == "":
	case p.high > 0:
		if n, err := strconv.Atoi(v.Text); err != nil || n < p.low || n > p.high {
			invalid.Hint = fmt.Sprintf("it is a number from %d to %d", p.low, p.high)
			return invalid
		}
	case p.repository:
		return checkRepository(p, v)
	case p.off && v.Text == valueOff:
	case p.interval:
		invalid.Hint = "it is an interval above zero, such as '3 hours'"
		if p.off {
			invalid.Hint += ", or 'off'"
		}
		positive, err := srv.positiveInterval(ctx, v.Text)
		var pg *pgconn.PgError
		if errors.As(err, &pg) || err == nil && !positive {
			return invalid
		}
		return err
	}
	return nil
}

// positiveInterval reports whether an interval, which PostgreSQL parses, is above zero.
func (srv *Services) positiveInterval(ctx context.Context, text string) (bool, error) {
	rows, err := srv.DB.Query(ctx, "select $1::text::interval > interval '0'", text)
	if err != nil {
		return false, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
}
