package apply

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
)

// A producer may break the order between the partitions of a topic: it may write the rows of one
// partition seconds after a truncate in another partition that follows them. So each truncate is
// stored with its position at the source. A change that is read after the truncate and precedes it
// is inserted into history, and ends with it.

// truncation is a truncate that has been applied.
type truncation struct {
	partition change.Partition
	origin    change.Origin
	lsn       uint64
	at        change.Micros
}

// isAfter reports whether the truncate follows an event of another partition at the source. Its LSN
// must be higher, and its time not earlier: a source that was restored or moved continues with
// lower positions and later times. Within a partition the records are in the order of the source.
//
// A row of an incremental snapshot has no LSN. Its insert precedes it in its partition, so the
// highest LSN before the row (CommittedAfter) is used: if the row had been inserted after the
// truncate, that would be higher.
func (tr *truncation) isAfter(e *change.Event) bool {
	lsn := e.LSN
	if e.Snapshot == change.Incremental && lsn == 0 {
		lsn = e.CommittedAfter
	}
	return lsn != 0 && lsn < tr.lsn && e.Time <= tr.at && e.Origin == tr.origin && e.Position.Partition != tr.partition
}

// firstTruncateAfter returns the first applied truncate that follows an event, or nil.
func (t *tableState) firstTruncateAfter(e *change.Event) *truncation {
	var first *truncation
	for i := range t.truncations {
		tr := &t.truncations[i]
		if tr.isAfter(e) && (first == nil || tr.at < first.at || tr.at == first.at && tr.lsn < first.lsn) {
			first = tr
		}
	}
	return first
}

// truncateTimeAfter returns the time of that truncate, or 0.
func (t *tableState) truncateTimeAfter(e *change.Event) change.Micros {
	if first := t.firstTruncateAfter(e); first != nil {
		return first.at
	}
	return 0
}

// hasTruncateBefore reports whether a truncate with the time of an event precedes it.
func (t *tableState) hasTruncateBefore(e *change.Event) bool {
	return slices.ContainsFunc(t.truncations, func(tr truncation) bool { return tr.origin == e.Origin && tr.at == e.Time && tr.lsn < e.LSN })
}

// loadTruncations reads the truncates of the table if an event may precede one of them. For a new
// table it always does: truncates may have been applied before its first row.
func (r *batchTx) loadTruncations(ctx context.Context, t *tableState) error {
	if t.delta.Before != nil && !slices.ContainsFunc(t.events, func(i int) bool { return mayPrecedeTruncate(&r.batch.Events[i], t.table.TruncateBounds) }) {
		return nil
	}
	rows, err := r.tx.Query(ctx, `
		SELECT topic, partition, origin, lsn, truncated_at FROM metadb.truncation
			WHERE schema_name = $1 AND table_name = $2`, t.table.Name.Schema, t.table.Name.Name)
	if err != nil {
		return fmt.Errorf("read truncates: %w", err)
	}
	var tr truncation
	var lsn int64
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&tr.partition.Topic, &tr.partition.Number, &tr.origin, &lsn, &at}, func() error {
		tr.lsn, tr.at = uint64(lsn), microsOf(at)
		t.addTruncation(tr)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read truncates: %w", err)
	}
	return nil
}

// mayPrecedeTruncate reports whether an event may precede a truncate of its table, share its time,
// be its repetition, or have moved between partitions.
func mayPrecedeTruncate(e *change.Event, bounds catalog.TruncateBounds) bool {
	if e.Time > bounds.Time {
		return false
	}
	return e.LSN < bounds.LSN || e.Time == bounds.Time || e.Op == change.Truncate && e.LSN == bounds.LSN || mayHaveMoved(e)
}

// hasTruncation reports whether a truncate has been applied, from any partition.
func (t *tableState) hasTruncation(e *change.Event) bool {
	return slices.ContainsFunc(t.truncations, func(tr truncation) bool {
		return tr.lsn == e.LSN && tr.at == e.Time && tr.origin == e.Origin && e.LSN != 0
	})
}

// addTruncation notes an applied truncate.
func (t *tableState) addTruncation(tr truncation) {
	t.truncations = append(slices.Clip(t.truncations), tr)
	if bounds := t.table.TruncateBounds.Extend(tr.lsn, tr.at); bounds != t.table.TruncateBounds {
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

// markPrecedingTruncate marks the changes of a chunk that precede an applied truncate.
func (t *tableState) markPrecedingTruncate(f *foldedChunk, events []change.Event) {
	if len(t.truncations) == 0 {
		return
	}
	for i := range f.changes {
		it := &f.changes[i]
		if first := t.firstTruncateAfter(&events[it.event]); first != nil {
			it.truncatedAt, it.truncatedLSN, f.precedesTruncate = first.at, first.lsn, true
		}
	}
}

// findPrecedingTruncate returns a lateError with the changes that precede a truncate and concern
// stored versions of their keys: current ones, those that ended later or with the truncate, and
// those that have unavailable values. Other changes that precede a truncate are left to decide.
func (m *chunkMatches) findPrecedingTruncate(f *foldedChunk) error {
	late := &lateError{}
	for i := 0; i < len(f.changes); {
		end := f.chainEnd(i)
		concerned := false
		for k := i; k < end; k++ {
			it := &f.changes[k]
			if it.truncatedAt == 0 || m.repeated[k] {
				continue
			}
			concerned = concerned || len(m.currentRows(i)) > 0 || it.unavailable != nil ||
				m.lastEnd[i] > it.at || m.lastEnd[i] == it.at && it.at == it.truncatedAt
			if concerned {
				late.events = append(late.events, it.event)
			}
		}
		i = end
	}
	if len(late.events) == 0 {
		return nil
	}
	slices.Sort(late.events)
	return late
}
