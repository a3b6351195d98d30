package apply

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// A producer may break the order between the partitions of a topic: it may write the rows of one
// partition seconds after a truncate in another partition that follows them. So each truncate is
// stored with its position at the source. A change that is read after the truncate and precedes it
// is inserted into history, and ends with it.

// loadTruncations reads the truncates of the table if an event may precede one of them. For a new
// table it always does: truncates may have been applied before its first row.
func (r *batchTx) loadTruncations(ctx context.Context, t *tableState) error {
	if t.delta.Before != nil && !slices.ContainsFunc(t.events, func(i int) bool { return history.MayPrecedeTruncate(&r.batch.Events[i], t.table.TruncateBounds) }) {
		return nil
	}
	rows, err := r.tx.Query(ctx, `
		SELECT topic, partition, origin, lsn, truncated_at FROM metadb.truncation
			WHERE schema_name = $1 AND table_name = $2`, t.table.Name.Schema, t.table.Name.Name)
	if err != nil {
		return fmt.Errorf("read truncates: %w", err)
	}
	var tr history.Truncation
	var lsn int64
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&tr.Partition.Topic, &tr.Partition.Number, &tr.Origin, &lsn, &at}, func() error {
		tr.LSN, tr.At = uint64(lsn), pgbinary.MicrosOf(at)
		t.addTruncation(tr)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read truncates: %w", err)
	}
	return nil
}

// addTruncation notes an applied truncate.
func (t *tableState) addTruncation(tr history.Truncation) {
	t.truncations = append(slices.Clip(t.truncations), tr)
	if bounds := t.table.TruncateBounds.Extend(tr.LSN, tr.At); bounds != t.table.TruncateBounds {
		table := *t.table
		table.TruncateBounds = bounds
		t.table, t.changed = &table, true
	}
}

// storeTruncations stores the truncates of a segment, also those of tables that don't exist. A
// repeated one is stored once.
func (r *batchTx) storeTruncations(ctx context.Context, events []change.Event) error {
	var schemas, tables, origins, topics []string
	var lsns []int64
	var parts []int32
	var times []time.Time
	for i := range events {
		e := &events[i]
		if e.Op != change.Truncate || e.LSN == 0 {
			continue
		}
		schemas, tables, origins = append(schemas, e.Table.Schema), append(tables, e.Table.Name), append(origins, string(e.Origin))
		topics, parts = append(topics, e.Position.Partition.Topic), append(parts, e.Position.Partition.Number)
		lsns, times = append(lsns, int64(e.LSN)), append(times, e.Time.UTC())
	}
	if len(lsns) == 0 {
		return nil
	}
	_, err := r.tx.Exec(ctx, `
		INSERT INTO metadb.truncation (schema_name, table_name, origin, topic, partition, lsn, truncated_at)
			SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[], $7::timestamptz[])
			ON CONFLICT DO NOTHING`, schemas, tables, origins, topics, parts, lsns, times)
	if err != nil {
		return fmt.Errorf("store truncates: %w", err)
	}
	return nil
}
