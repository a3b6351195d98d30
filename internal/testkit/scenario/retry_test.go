package scenario_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/debezium"
	"metadb/internal/target/apply"
	"metadb/internal/target/rejected"
)

// retry retries the rejected events, as the command does, and returns the results. No
// batch is being applied meanwhile, since every step waits for the one before.
func (l *line) retry(t *testing.T, options *datasource.Options, origins []string) (string, error) {
	t.Helper()
	logger := slog.New(l.log)
	applier := apply.New(apply.Config{
		Connect: func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, l.db.ConnString) },
		Source:  sourceName, Group: options.ConsumerGroup, Store: l.store, Logger: logger,
	})
	defer func() { _ = applier.Close(context.Background()) }()
	reader := decoder(t, options)
	routes := router(t, options)
	routes.SetOrigins(origins)
	tally, err := rejected.Retry(t.Context(), rejected.Config{
		DB: l.db.Pool, Source: sourceName, Logger: logger, Apply: applier.Retry,
		Exclusively: func(do func() error) error { return do() },
		Done:        func(int) {},
		Decode: func(at change.Position, record *change.Record) change.Event {
			event := reader.Decode(&debezium.Input{
				Topic: at.Partition.Topic, Partition: at.Partition.Number, Offset: at.Offset,
				Key: record.Key, Value: record.Value(), Headers: record.Headers,
			})
			routes.Route(&event)
			return event
		},
	})
	return fmt.Sprintf("applied %d, rejected %d, unwanted %d\n", tally.Applied, tally.Rejected, tally.Filtered), err
}
