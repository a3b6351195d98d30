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
	Apply func(context.Context, []change.RejectedEvent) (change.Outcome, error)
	// Exclusively does something while no batch is applied.
	Exclusively func(do func() error) error
	// Done is told after each transaction how many events are rejected no more.
	Done   func(events int)
	Logger *slog.Logger
}

// RetryStats counts what became of the events.
type RetryStats struct {
	// Applied are rejected no more, Rejected were set aside again. Filtered
	// have been removed without being applied: a filter drops them now.
	Applied, Rejected, Filtered int
}

// maxLockAttempts is how often a piece is begun again because a table is locked.
const maxLockAttempts = 10

// Retry tries all rejected events of a data source, partition by partition in
// their order. What has been done when it fails, or ctx ends, stays done.
func Retry(ctx context.Context, config Config) (RetryStats, error) {
	var tally RetryStats
	var after readCursor
	for {
		var n int
		err := config.Exclusively(func() error {
			var err error
			n, err = retryTransaction(ctx, &config, &after, &tally)
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

// retryTransaction tries the events behind the cursor that one transaction takes. It
// returns how many they are.
func retryTransaction(ctx context.Context, config *Config, after *readCursor, tally *RetryStats) (int, error) {
	records, err := loadRejected(ctx, config.DB, config.Source, *after)
	if err != nil || len(records) == 0 {
		return 0, err
	}
	events := make([]change.RejectedEvent, len(records))
	unwanted := 0
	for i := range records {
		rec := &records[i]
		event := config.Decode(rec.position, &rec.Record)
		event.Position, event.Record = rec.position, rec.Record
		event.Confirm = rec.confirmsRow(&event)
		switch {
		case event.NoKey:
			event.Op = change.Reject
		case event.Op == change.Ignore:
			unwanted++
		}
		events[i] = change.RejectedEvent{ID: rec.id, Event: event, SupersededAt: rec.supersededAt}
	}
	outcome, err := applyWithLockRetry(ctx, config, events)
	if err != nil {
		return 0, err
	}
	for _, line := range outcome.Warnings {
		config.Logger.Warn(line)
	}
	tally.Applied += outcome.Applied
	tally.Rejected += outcome.Rejected
	tally.Filtered += unwanted
	config.Done(outcome.Applied + unwanted)
	*after = readCursor(records[len(records)-1].position)
	return len(records), nil
}

// applyWithLockRetry applies events, again where a table is in use: a lock is waited
// for some seconds at a time.
func applyWithLockRetry(ctx context.Context, config *Config, events []change.RejectedEvent) (change.Outcome, error) {
	for try := 1; ; try++ {
		outcome, err := config.Apply(ctx, events)
		if err == nil || try == maxLockAttempts || !isLockConflict(err) {
			return outcome, err
		}
	}
}

// isLockConflict tells an error that comes from what others do at the moment: lock not
// available, deadlock, serialization failure.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func isLockConflict(err error) bool {
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
