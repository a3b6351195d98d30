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

// listConfig executes LIST CONFIG: it lists the stored parameters, and those that are off.
func (e *Executor) listConfig(ctx context.Context) (*Result, error) {
	stored := "select parameter::text, value::text from metadb.config"
	for _, p := range parameters() {
		if p.off {
			stored += fmt.Sprintf(" union all select '%[1]s', '%[2]s' where not exists (select from metadb.config where parameter = '%[1]s')", p.name, valueOff)
		}
	}
	return e.queryList(ctx, "config", stored+" order by 1")
}

// alterSystem stores a parameter.
func (e *Executor) alterSystem(ctx context.Context, c lang.AlterSystem) (*Result, error) {
	p, err := findParameter(c.Parameter)
	if err != nil {
		return nil, err
	}
	if err := e.checkParameter(ctx, p, c.Value); err != nil {
		return nil, err
	}
	err = e.inTransaction(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "update metadb.config set value = $2 where parameter = $1", p.name, c.Value.Text)
		if err != nil || tag.RowsAffected() > 0 {
			return err
		}
		_, err = tx.Exec(ctx, "insert into metadb.config (parameter, value) values ($1, $2)", p.name, c.Value.Text)
		return err
	})
	if err != nil {
		return nil, err
	}
	e.logChange("parameter %s set to %q", p.name, c.Value.Text)
	if p.restart {
		return tagResult("ALTER SYSTEM").addNotice(messageRestart), nil
	}
	return tagResult("ALTER SYSTEM"), nil
}

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
func (e *Executor) checkParameter(ctx context.Context, p parameter, v lang.Value) error {
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
		positive, err := e.positiveInterval(ctx, v.Text)
		var pg *pgconn.PgError
		if errors.As(err, &pg) || err == nil && !positive {
			return invalid
		}
		return err
	}
	return nil
}

// positiveInterval reports whether an interval, which PostgreSQL parses, is above zero.
func (e *Executor) positiveInterval(ctx context.Context, text string) (bool, error) {
	rows, err := e.DB.Query(ctx, "select $1::text::interval > interval '0'", text)
	if err != nil {
		return false, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
}
