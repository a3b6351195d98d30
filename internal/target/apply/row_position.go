package apply

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// A truncate may be read after changes that follow it at the source, from other partitions of its
// topic. Row positions show the versions that it ends: those that began at its own time, before it
// in its transaction, and those of rows that were inserted again with the same values, which made
// no version because the truncate had not been applied. A change of a row may be read after later
// ones too, where its key has moved to another partition (partition_order.go).

// storePositions stores the positions of a batch. It removes those that all partitions of their
// topic have passed, and the oldest ones of tables that have too many.
func (r *batchTx) storePositions(ctx context.Context, events []change.Event) error {
	total := 0
	for _, t := range r.finishedTables {
		total += len(t.positions)
	}
	if total == 0 {
		return nil
	}
	noted := newNotedPositions(total)
	for _, t := range r.finishedTables {
		if len(t.positions) == 0 {
			continue
		}
		e := lastPartitionedEvent(events, t.table.Name)
		noted.add(t, e)
		if e.Partitions > 1 && r.retried == nil {
			if err := r.removePassed(ctx, t, e); err != nil {
				return fmt.Errorf("store positions of changes: %w", err)
			}
		}
	}
	if err := r.insertPositions(ctx, noted); err != nil {
		return fmt.Errorf("store positions of changes: %w", err)
	}
	return r.prunePositions(ctx, noted)
}

// lastPartitionedEvent returns the last event of a table that has the number of its topic's
// partitions. There is one where a position was noted.
func lastPartitionedEvent(events []change.Event, name change.Table) *change.Event {
	for i := len(events) - 1; i >= 0; i-- {
		if e := &events[i]; e.Partitions > 0 && e.Table == name {
			return e
		}
	}
	return nil
}

// producerBufferBytes is the distance, in bytes of the source's log, for which positions are kept
// behind the slowest partition: as much as a connector's producer holds in memory (buffer.memory).
// A truncate that the producer loses in a crash may be sent again to a partition that has passed
// it.
const producerBufferBytes = 32 << 20

// Limits of the positions that are kept of a table, checked once in pruneInterval of its batches. A
// topic of several partitions keeps maxPositionBytes, since a partition without recent records may
// have changes that precede them. A topic of one partition keeps onlyBytes and maxPositionBatches
// batches, which lasts longer than it takes to notice that partitions have been added.
const (
	maxPositionBytes   = 256 << 20
	onlyBytes          = 32 << 20
	maxPositionBatches = 1000
	pruneInterval      = 500
)

// notedPositions are the positions of a batch as arrays in PostgreSQL's binary format, table by
// table.
type notedPositions struct {
	ids, lsns, times, again []byte
	// tables has, for each table, the end of its positions in the arrays.
	tables []notedTable
	total  int
}

// notedTable is a table in notedPositions.
type notedTable struct {
	name change.Table
	// topic is the topic of the positions, partitions its number of partitions.
	topic      string
	partitions int
	// end is the number of the table's last position.
	end     int
	lastAt  change.Micros
	lastLSN uint64
}

// newNotedPositions returns arrays for a total number of positions.
func newNotedPositions(total int) *notedPositions {
	return &notedPositions{
		ids: pgbinary.NewArray(pgbinary.Int8OID, total), lsns: pgbinary.NewArray(pgbinary.Int8OID, total), times: pgbinary.NewArray(pgbinary.TimestamptzOID, total), again: pgbinary.NewArray(pgbinary.BoolOID, total),
	}
}

// add adds the positions of a table. e is its last event that has the number of partitions.
func (n *notedPositions) add(t *tableState, e *change.Event) {
	of := notedTable{name: t.table.Name, topic: e.Position.Partition.Topic, partitions: e.Partitions}
	for _, p := range t.positions {
		n.times = pgbinary.AppendTimestamptz(n.times, p.At)
		n.ids, n.lsns, n.again = pgbinary.AppendInt64(n.ids, p.ID), pgbinary.AppendInt64(n.lsns, int64(p.LSN)), pgbinary.AppendBool(n.again, p.Reinserts)
		of.lastAt, of.lastLSN = max(of.lastAt, p.At), max(of.lastLSN, p.LSN)
	}
	n.total += len(t.positions)
	of.end = n.total
	n.tables = append(n.tables, of)
}

// insertPositions stores the positions of all tables in one statement.
func (r *batchTx) insertPositions(ctx context.Context, n *notedPositions) error {
	count := len(n.tables)
	schemas, names, topics := pgbinary.NewArray(pgbinary.TextOID, count), pgbinary.NewArray(pgbinary.TextOID, count), pgbinary.NewArray(pgbinary.TextOID, count)
	times, lsns, ends := pgbinary.NewArray(pgbinary.TimestamptzOID, count), pgbinary.NewArray(pgbinary.Int8OID, count), pgbinary.NewArray(pgbinary.Int8OID, count)
	for _, t := range n.tables {
		times = pgbinary.AppendTimestamptz(times, t.lastAt)
		schemas, names, topics = pgbinary.AppendText(schemas, t.name.Schema), pgbinary.AppendText(names, t.name.Name), pgbinary.AppendText(topics, t.topic)
		lsns, ends = pgbinary.AppendInt64(lsns, int64(t.lastLSN)), pgbinary.AppendInt64(ends, int64(t.end))
	}
	return pgbinary.Exec(ctx, r.tx, `
		INSERT INTO metadb.row_position (source_name, schema_name, table_name, topic, last_at, last_lsn, ids, lsns, times, again)
			SELECT $1::text, n.schema_name, n.table_name, n.topic, n.last_at, n.last_lsn,
					($2::bigint[])[first:last], ($3::bigint[])[first:last], ($4::timestamptz[])[first:last], ($5::boolean[])[first:last]
				FROM (SELECT *, 1 + lag(last, 1, 0::bigint) OVER (ORDER BY last) AS first
					FROM unnest($6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::bigint[], $11::bigint[])
						AS u (schema_name, table_name, topic, last_at, last_lsn, last)) AS n`,
		[][]byte{[]byte(r.batch.Source), n.ids, n.lsns, n.times, n.again, schemas, names, topics, times, lsns, ends}, count)
}

// removePassed removes the positions of a table that all partitions of its topic have passed.
func (r *batchTx) removePassed(ctx context.Context, t *tableState, e *change.Event) error {
	_, err := r.tx.Exec(ctx, `
		DELETE FROM metadb.row_position AS p USING (
				SELECT min(high_lsn) AS lsn, min(high_time) AS at FROM metadb.stream_position
					WHERE source_name = $1 AND consumer_group = $5 AND topic = $4
					HAVING count(*) >= $6) AS passed
			WHERE p.schema_name = $2 AND p.table_name = $3 AND p.last_lsn < passed.lsn - $7 AND p.last_at < passed.at`,
		r.batch.Source, t.table.Name.Schema, t.table.Name.Name, e.Position.Partition.Topic, r.config.Group, e.Partitions, producerBufferBytes)
	return err
}

// prunePositions removes the oldest positions of tables that have too many.
func (r *batchTx) prunePositions(ctx context.Context, n *notedPositions) error {
	for _, t := range n.tables {
		if r.positionStores[t.name]++; r.positionStores[t.name] < pruneInterval {
			continue
		}
		delete(r.positionStores, t.name)
		if err := r.pruneTable(ctx, t.name, t.partitions == 1); err != nil {
			return fmt.Errorf("remove old positions of changes: %w", err)
		}
	}
	return nil
}

// pruneTable removes the oldest positions of a table. only is set if its topic has one partition.
func (r *batchTx) pruneTable(ctx context.Context, name change.Table, only bool) error {
	batches, size := int64(math.MaxInt64), int64(maxPositionBytes)
	if only {
		batches, size = maxPositionBatches, onlyBytes
	}
	_, err := r.tx.Exec(ctx, `
		DELETE FROM metadb.row_position WHERE id <= (
			SELECT max(id) FROM (
				SELECT id, row_number() OVER newest AS batches,
						sum(pg_column_size(ids) + pg_column_size(lsns) + pg_column_size(times) + pg_column_size(again)) OVER newest AS bytes
					FROM metadb.row_position WHERE schema_name = $1 AND table_name = $2
					WINDOW newest AS (ORDER BY id DESC)) AS kept
				WHERE bytes > $3 OR batches > $4)
			AND schema_name = $1 AND table_name = $2`, name.Schema, name.Name, size, batches)
	return err
}

// loadTruncatePositions returns the positions of changes at the time of a truncate, and of changes
// that inserted rows again at that time or later.
func (r *batchTx) loadTruncatePositions(ctx context.Context, t *tableState, e *change.Event) ([]history.RowPosition, error) {
	found, err := r.readPositions(ctx, t, e.Time, "u.at = $3 OR u.again AND u.at >= $3")
	if err != nil {
		return nil, err
	}
	for _, p := range t.positions {
		if p.At == e.Time || p.Reinserts && p.At > e.Time {
			found = append(found, p)
		}
	}
	return found, nil
}

// readPositions reads the positions u of a table's changes that meet a condition, in the order of
// their LSNs, from the batches that have a change at the time $3 or later. So earlier positions of
// those batches are returned too, unless the condition excludes them. The condition's parameters
// begin with $4.
func (r *batchTx) readPositions(ctx context.Context, t *tableState, from change.Micros, condition string, args ...any) ([]history.RowPosition, error) {
	rows, err := r.tx.Query(ctx, `
		SELECT u.id, u.lsn, u.at, u.again FROM metadb.row_position AS p,
				unnest(p.ids, p.lsns, p.times, p.again) AS u (id, lsn, at, again)
			WHERE p.schema_name = $1 AND p.table_name = $2 AND p.last_at >= $3 AND (`+condition+`)
			ORDER BY u.lsn`, append([]any{t.table.Name.Schema, t.table.Name.Name, from.UTC()}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read positions of changes: %w", err)
	}
	var found []history.RowPosition
	var p history.RowPosition
	var lsn int64
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&p.ID, &lsn, &at, &p.Reinserts}, func() error {
		p.LSN, p.At = uint64(lsn), pgbinary.MicrosOf(at)
		found = append(found, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read positions of changes: %w", err)
	}
	return found, nil
}

// sameTimePositions are the positions of changes that have the same time as a suspect, without
// reinserts. ofChanges has the LSN of each suspect by its change, 0 for other changes; inserts
// marks the suspects that insert a row.
type sameTimePositions struct {
	ids, lsns, ofChanges []int64
	inserts              []bool
}

// positionsOfSuspects returns the positions of changes that have the time of a suspect. It returns
// nil without suspects in topics of several partitions: only those may have changes in another
// order than the source.
func (r *batchTx) positionsOfSuspects(ctx context.Context, t *tableState, f *history.FoldedChunk, suspects []bool) (*sameTimePositions, error) {
	var same *sameTimePositions
	times, from := make(map[change.Micros]bool), history.MaxTime
	for i, suspect := range suspects {
		e := &r.batch.Events[f.Changes[i].Event]
		if !suspect || e.Partitions <= 1 || e.LSN == 0 {
			continue
		}
		if same == nil {
			same = &sameTimePositions{ofChanges: make([]int64, len(f.Changes)), inserts: make([]bool, len(f.Changes))}
		}
		same.ofChanges[i], same.inserts[i], times[e.Time], from = int64(e.LSN), e.Created, true, min(from, e.Time)
	}
	if same == nil {
		return nil, nil
	}
	moments := make([]time.Time, 0, len(times))
	for at := range times {
		moments = append(moments, at.UTC())
	}
	stored, err := r.readPositions(ctx, t, from, "NOT u.again AND u.at = ANY ($4)", moments)
	if err != nil {
		return nil, err
	}
	for _, p := range stored {
		same.ids, same.lsns = append(same.ids, p.ID), append(same.lsns, int64(p.LSN))
	}
	for _, p := range t.positions {
		if !p.Reinserts && times[p.At] {
			same.ids, same.lsns = append(same.ids, p.ID), append(same.lsns, int64(p.LSN))
		}
	}
	return same, nil
}
