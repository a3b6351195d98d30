package rejected

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
)

// DB is the database that the events are read from.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Config is what [Retry] needs.
type Config struct {
	DB     DB
	Source string
	// Decode returns the event that a record stands for, routed to its table.
	Decode func(change.Position, *change.Record) change.Event
	// Apply applies events in one transaction and removes those that have
	// been applied from metadb.rejected_event.
	Apply func(context.Context, []change.Rejected) (change.Outcome, error)
	// Exclusively does something while no batch is applied.
	Exclusively func(do func() error) error
	// Done is told after each transaction how many events are rejected no more.
	Done   func(events int)
	Logger *slog.Logger
}

// Tally counts what became of the events.
type Tally struct {
	// Applied are rejected no more, Rejected were set aside again. Unwanted
	// have been removed without being applied: a filter drops them now.
	Applied, Rejected, Unwanted int
}

// tries is how often a piece is begun again because a table is locked.
const tries = 10

// Retry tries all rejected events of a data source, partition by partition in
// their order. What has been done when it fails, or ctx ends, stays done.
func Retry(ctx context.Context, config Config) (Tally, error) {
	var tally Tally
	var after cursor
	for {
		var n int
		err := config.Exclusively(func() error {
			var err error
			n, err = retryPiece(ctx, &config, &after, &tally)
			return err
		})
		if err != nil {
			return tally, fmt.Errorf("retry rejected events of data source %q: %w", config.Source, err)
		}
		if n == 0 {
			return tally, nil
		}
	}
}

// retryPiece tries the events behind the cursor that one transaction takes. It
// returns how many they are.
func retryPiece(ctx context.Context, config *Config, after *cursor, tally *Tally) (int, error) {
	records, err := load(ctx, config.DB, config.Source, *after)
	if err != nil || len(records) == 0 {
		return 0, err
	}
	events := make([]change.Rejected, len(records))
	unwanted := 0
	for i := range records {
		rec := &records[i]
		event := config.Decode(rec.position, &rec.Record)
		event.Position, event.Record = rec.position, rec.Record
		event.Confirm = rec.confirms(&event)
		switch {
		case event.NoKey:
			event.Op = change.Reject
		case event.Op == change.Ignore:
			unwanted++
		}
		events[i] = change.Rejected{ID: rec.id, Event: event, Later: rec.later}
	}
	outcome, err := applyPatiently(ctx, config, events)
	if err != nil {
		return 0, err
	}
	for _, line := range outcome.Warnings {
		config.Logger.Warn(line)
	}
	tally.Applied += outcome.Applied
	tally.Rejected += outcome.Rejected
	tally.Unwanted += unwanted
	config.Done(outcome.Applied + unwanted)
	*after = cursor(records[len(records)-1].position)
	return len(records), nil
}

// applyPatiently applies events, again where a table is in use: a lock is waited
// for some seconds at a time.
func applyPatiently(ctx context.Context, config *Config, events []change.Rejected) (change.Outcome, error) {
	for try := 1; ; try++ {
		outcome, err := config.Apply(ctx, events)
		if err == nil || try == tries || !busy(err) {
			return outcome, err
		}
	}
}

// busy tells an error that comes from what others do at the moment: lock not
// available, deadlock, serialization failure.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func busy(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case "55P03", "40P01", "40001":
		return true
	}
	return false
}
