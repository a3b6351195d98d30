package rejected

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/pgcode"
)

// DB is the database with the rejected events.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Config has the dependencies of [Retry].
type Config struct {
	DB     DB
	Source string
	// Decode returns the event of a record, with its target table.
	Decode func(change.Position, *change.Record) change.Event
	// Apply applies events in one transaction, and removes the applied ones from
	// metadb.rejected_event.
	Apply func(context.Context, []change.RejectedEvent) (change.Outcome, error)
	// Exclusively runs a function while no batch is applied.
	Exclusively func(do func() error) error
	// Done is called after each transaction with the number of events that are not rejected any
	// more.
	Done   func(events int)
	Logger *slog.Logger
}

// RetryStats counts events by the result of their retry.
type RetryStats struct {
	// Applied events are not rejected any more, Rejected ones were rejected again. Filtered ones
	// were removed without being applied, since a filter drops them now.
	Applied, Rejected, Filtered int
}

// maxLockAttempts is the number of attempts at a transaction that fails by lock conflicts.
const maxLockAttempts = 10

// Retry retries all rejected events of a data source, partition by partition in the order of their
// offsets. If it fails, or ctx ends, the committed transactions stay.
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

// retryTransaction retries the events of the next transaction after the cursor, and returns their
// number.
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

// applyWithLockRetry applies events, and repeats that after a lock conflict. Each attempt waits
// some seconds for a lock.
func applyWithLockRetry(ctx context.Context, config *Config, events []change.RejectedEvent) (change.Outcome, error) {
	for try := 1; ; try++ {
		outcome, err := config.Apply(ctx, events)
		if err == nil || try == maxLockAttempts || !pgcode.IsLockConflict(err) {
			return outcome, err
		}
	}
}
