package apply

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// A truncate can come after changes that follow it at the source, from other
// partitions of its topic. What it ends then is told by positions: those of the versions
// that began at its own time, in its transaction, and those of rows that were inserted
// again as they were, which left no version because the truncate had not come yet.
// A change of a row can come after later ones as well, where its key has moved to another
// partition: partition_order.go.

// rowPosition is where a change stands at the source that made a version, found or ended
// it, or, where reinserts is true, inserted its row once more.
type rowPosition struct {
	id        int64
	lsn       uint64
	at        change.Micros
	reinserts bool
}

// notePosition notes where a change stands that made a version or found it. In a topic of one
// partition too: it may have got others, from which what precedes the change is still to come.
func (t *tableState) notePosition(e *change.Event, id int64, again bool) {
	if e.Partitions > 0 && e.LSN != 0 && e.Snapshot == change.Streamed && (e.Created || !again) {
		t.positions = append(t.positions, rowPosition{id, e.LSN, e.Time, again})
	}
}

// noteTrace notes where a change stands that made no version: one that deletes a row or finds it.
func (t *tableState) noteTrace(e *change.Event, id int64) {
	if e.Partitions > 0 && e.LSN != 0 && e.Snapshot == change.Streamed {
		t.positions = append(t.positions, rowPosition{id, e.LSN, e.Time, false})
	}
}

// keyPositionID stands for the versions of an event's key where a delete has found none. It is
// negative, and those of versions are not.
func keyPositionID(e *change.Event) int64 { return -1 - int64(change.KeyHash(e)>>1) }

// noteFound notes where an upsert stands that found its row.
func (t *tableState) noteFound(e *change.Event, id int64) {
	if e.Created {
		t.notePosition(e, id, true)
	} else {
		t.noteTrace(e, id)
	}
}

// noteDecisionPositions notes where the changes stand that a decision carried out.
func (r *batchTx) noteDecisionPositions(t *tableState, f *foldedChunk, d *decision, ids []int64) {
	for i, v := range d.versions {
		t.notePosition(&r.batch.Events[f.changes[v.change].event], ids[i], false)
	}
	r.noteTraces(t, f, d, ids)
}

// noteTraces notes where the changes stand that found their rows or deleted them.
func (r *batchTx) noteTraces(t *tableState, f *foldedChunk, d *decision, ids []int64) {
	for _, a := range d.traces {
		id := a.id
		if a.version != none {
			id = ids[a.version]
		}
		switch e := &r.batch.Events[f.changes[a.change].event]; {
		case e.Op == change.Upsert:
			t.noteFound(e, id)
		case id == none:
			t.noteTrace(e, keyPositionID(e))
		default:
			t.noteTrace(e, id)
		}
	}
}

// noteReplacedPositions notes where the changes stand that a replacement carried out.
func (r *batchTx) noteReplacedPositions(t *tableState, f *foldedChunk, x *chunkReplacement) {
	for n, v := range x.decision.versions {
		e := &r.batch.Events[f.changes[v.change].event]
		if x.unchanged[v.change] {
			t.noteFound(e, x.oldRows[v.change].id)
		} else {
			t.notePosition(e, x.ids[n], false)
		}
	}
	r.noteTraces(t, f, x.decision, x.ids)
}

// storePositions stores the positions of a batch, and removes those that every
// partition of their topic has passed.
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

// lastPartitionedEvent returns the last event of a table that says how many partitions its topic has.
// There is one where a position was noted.
func lastPartitionedEvent(events []change.Event, name change.Table) *change.Event {
	for i := len(events) - 1; i >= 0; i-- {
		if e := &events[i]; e.Partitions > 0 && e.Table == name {
			return e
		}
	}
	return nil
}

// producerBufferBytes is how far behind the partitions positions are kept, in bytes of the source's log: as much
// as a connector's producer holds in memory (buffer.memory). A truncate that it loses in a
// crash may be sent again to a partition that has passed it.
const producerBufferBytes = 32 << 20

// What is kept of a table's positions at most is counted once in prunedEach of its batches: of a
// topic of several partitions maxPositionBytes, since one that shows nothing may have changes
// that precede them, and of one that has one partition onlyBytes and onlyPositions batches, which is
// for longer than it takes to see that it has got others.
const (
	maxPositionBytes   = 256 << 20
	onlyBytes          = 32 << 20
	maxPositionBatches = 1000
	pruneInterval      = 500
)

// notedPositions are the positions of a batch as arrays in PostgreSQL's binary format, those of
// one table behind those of another.
type notedPositions struct {
	ids, lsns, times, again []byte
	// tables says for each table where its positions end, and what they are of.
	tables []notedTable
	total  int
}

// notedTable is a table of a batch's positions.
type notedTable struct {
	name change.Table
	// topic and partitions are the topic that the positions come from, and how many it has.
	topic      string
	partitions int
	// end is the number of the last of the table's positions.
	end     int
	lastAt  change.Micros
	lastLSN uint64
}

// newNotedPositions returns arrays for so many positions.
func newNotedPositions(total int) *notedPositions {
	return &notedPositions{
		ids: newBinaryArray(int8OID, total), lsns: newBinaryArray(int8OID, total), times: newBinaryArray(timestamptzOID, total), again: newBinaryArray(boolOID, total),
	}
}

// add adds the positions of a table; e is the last event of it that has a place.
func (n *notedPositions) add(t *tableState, e *change.Event) {
	of := notedTable{name: t.table.Name, topic: e.Position.Partition.Topic, partitions: e.Partitions}
	for _, p := range t.positions {
		n.times = appendTimestamptz(n.times, p.at)
		n.ids, n.lsns, n.again = appendInt64(n.ids, p.id), appendInt64(n.lsns, int64(p.lsn)), appendBool(n.again, p.reinserts)
		of.lastAt, of.lastLSN = max(of.lastAt, p.at), max(of.lastLSN, p.lsn)
	}
	n.total += len(t.positions)
	of.end = n.total
	n.tables = append(n.tables, of)
}

// insertPositions stores the positions of all tables in one statement.
func (r *batchTx) insertPositions(ctx context.Context, n *notedPositions) error {
	count := len(n.tables)
	schemas, names, topics := newBinaryArray(textOID, count), newBinaryArray(textOID, count), newBinaryArray(textOID, count)
	times, lsns, ends := newBinaryArray(timestamptzOID, count), newBinaryArray(int8OID, count), newBinaryArray(int8OID, count)
	for _, t := range n.tables {
		times = appendTimestamptz(times, t.lastAt)
		schemas, names, topics = appendText(schemas, t.name.Schema), appendText(names, t.name.Name), appendText(topics, t.topic)
		lsns, ends = appendInt64(lsns, int64(t.lastLSN)), appendInt64(ends, int64(t.end))
	}
	return r.execBinary(ctx, `
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

// prunePositions removes the oldest positions of tables where there are too many.
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

// pruneTable removes the oldest positions of a table; only says that its topic has no other partition.
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

// loadTruncatePositions returns the positions of changes that took place at the time of a
// truncate, and of those that inserted rows again from then on.
func (r *batchTx) loadTruncatePositions(ctx context.Context, t *tableState, e *change.Event) ([]rowPosition, error) {
	found, err := r.readPositions(ctx, t, e.Time, "u.at = $3 OR u.again AND u.at >= $3")
	if err != nil {
		return nil, err
	}
	for _, p := range t.positions {
		if p.at == e.Time || p.reinserts && p.at > e.Time {
			found = append(found, p)
		}
	}
	return found, nil
}

// readPositions reads the positions of a table's changes that meet a condition, u, in the
// order of their lsn. None of them is before the time $3; $4 and on are the condition's.
func (r *batchTx) readPositions(ctx context.Context, t *tableState, from change.Micros, condition string, args ...any) ([]rowPosition, error) {
	rows, err := r.tx.Query(ctx, `
		SELECT u.id, u.lsn, u.at, u.again FROM metadb.row_position AS p,
				unnest(p.ids, p.lsns, p.times, p.again) AS u (id, lsn, at, again)
			WHERE p.schema_name = $1 AND p.table_name = $2 AND p.last_at >= $3 AND (`+condition+`)
			ORDER BY u.lsn`, append([]any{t.table.Name.Schema, t.table.Name.Name, timestamptz(from)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read positions of changes: %w", err)
	}
	var found []rowPosition
	var p rowPosition
	var lsn int64
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&p.id, &lsn, &at, &p.reinserts}, func() error {
		p.lsn, p.at = uint64(lsn), microsOf(at)
		found = append(found, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read positions of changes: %w", err)
	}
	return found, nil
}

// sameTimePositions are the positions of changes that have the time of an event which may be
// repeated, and made versions; ofItems are the lsn of these events by their changes, and inserts
// says which of them insert a row.
type sameTimePositions struct {
	ids, lsns, ofChanges []int64
	inserts              []bool
}

// positionsOfSuspects returns nil where there are none: only the partitions of a topic of
// several may show changes in another order than the source's.
func (r *batchTx) positionsOfSuspects(ctx context.Context, t *tableState, f *foldedChunk, suspects []bool) (*sameTimePositions, error) {
	var same *sameTimePositions
	times, from := make(map[change.Micros]bool), maxTime
	for i, suspect := range suspects {
		e := &r.batch.Events[f.changes[i].event]
		if !suspect || e.Partitions <= 1 || e.LSN == 0 {
			continue
		}
		if same == nil {
			same = &sameTimePositions{ofChanges: make([]int64, len(f.changes)), inserts: make([]bool, len(f.changes))}
		}
		same.ofChanges[i], same.inserts[i], times[e.Time], from = int64(e.LSN), e.Created, true, min(from, e.Time)
	}
	if same == nil {
		return nil, nil
	}
	moments := make([]time.Time, 0, len(times))
	for at := range times {
		moments = append(moments, timestamptz(at))
	}
	stored, err := r.readPositions(ctx, t, from, "NOT u.again AND u.at = ANY ($4)", moments)
	if err != nil {
		return nil, err
	}
	for _, p := range stored {
		same.ids, same.lsns = append(same.ids, p.id), append(same.lsns, int64(p.lsn))
	}
	for _, p := range t.positions {
		if !p.reinserts && times[p.at] {
			same.ids, same.lsns = append(same.ids, p.id), append(same.lsns, int64(p.lsn))
		}
	}
	return same, nil
}
