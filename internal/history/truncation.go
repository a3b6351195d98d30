package history

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/catalog"
	"metadb/internal/change"
)

// Order between the partitions of a topic is the producer's to break: it may write
// the rows of one partition seconds after a truncate that follows them in another.
// So every truncate is stored with its position at the source. A change that comes
// after it and precedes it takes its place in history and ends with it.

// truncation is a truncate that has been applied.
type truncation struct {
	partition change.Partition
	origin    change.Origin
	lsn       uint64
	at        change.Micros
}

// follows reports whether the truncate comes after an event at the source. Both its lsn
// and its time have to: a source that was restored or moved goes on with lower
// positions and later times. Within a partition the order of the records is that of the source.
func (tr *truncation) follows(e *change.Event) bool {
	return e.LSN != 0 && e.LSN < tr.lsn && e.Time <= tr.at && e.Origin == tr.origin && e.Position.Partition != tr.partition
}

// truncatedBy returns the first truncate applied that an event precedes, nil if there is
// none.
func (t *target) truncatedBy(e *change.Event) *truncation {
	var first *truncation
	for i := range t.truncations {
		tr := &t.truncations[i]
		if tr.follows(e) && (first == nil || tr.at < first.at || tr.at == first.at && tr.lsn < first.lsn) {
			first = tr
		}
	}
	return first
}

// truncatedAt returns the time of that truncate, 0 if there is none.
func (t *target) truncatedAt(e *change.Event) change.Micros {
	if first := t.truncatedBy(e); first != nil {
		return first.at
	}
	return 0
}

// truncatedBefore reports whether a truncate with the time of an event precedes it.
func (t *target) truncatedBefore(e *change.Event) bool {
	return slices.ContainsFunc(t.truncations, func(tr truncation) bool { return tr.origin == e.Origin && tr.at == e.Time && tr.lsn < e.LSN })
}

// loadTruncations reads the truncates that some event of the table may precede. A
// table that is new is asked for all: truncates may have come before its first row.
func (r *run) loadTruncations(ctx context.Context, t *target) error {
	if t.delta.Before != nil && !slices.ContainsFunc(t.events, func(i int) bool { return mayPrecede(&r.batch.Events[i], t.table.Truncated) }) {
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
		tr.lsn, tr.at = uint64(lsn), micros(at)
		t.addTruncation(tr)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read truncates: %w", err)
	}
	return nil
}

// mayPrecede reports whether an event may precede a truncate of its table, share its time,
// or be one that is sent again.
func mayPrecede(e *change.Event, bounds catalog.Truncated) bool {
	if e.Time > bounds.Time {
		return false
	}
	return e.LSN < bounds.LSN || e.Time == bounds.Time || e.Op == change.Truncate && e.LSN == bounds.LSN || mayHaveMoved(e)
}

// hasTruncation reports whether a truncate has been applied, from whichever partition.
func (t *target) hasTruncation(e *change.Event) bool {
	return slices.ContainsFunc(t.truncations, func(tr truncation) bool {
		return tr.lsn == e.LSN && tr.at == e.Time && tr.origin == e.Origin && e.LSN != 0
	})
}

// addTruncation notes a truncate that has been applied.
func (t *target) addTruncation(tr truncation) {
	t.truncations = append(slices.Clip(t.truncations), tr)
	if bounds := t.table.Truncated.Extend(tr.lsn, tr.at); bounds != t.table.Truncated {
		table := *t.table
		table.Truncated = bounds
		t.table, t.changed = &table, true
	}
}

// storeTruncations stores the truncates of a segment, those of tables that don't exist
// among them. One that is sent again is stored once.
func (r *run) storeTruncations(ctx context.Context, events []change.Event) error {
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
		lsns, times = append(lsns, int64(e.LSN)), append(times, moment(e.Time))
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

// markTruncated notes which items of a chunk precede a truncate that has been applied.
func (t *target) markTruncated(f *folded, events []change.Event) {
	if len(t.truncations) == 0 {
		return
	}
	for i := range f.items {
		it := &f.items[i]
		if first := t.truncatedBy(&events[it.event]); first != nil {
			it.truncated, it.truncatedLSN, f.truncated = first.at, first.lsn, true
		}
	}
}

// precedingTruncate returns the items that precede a truncate and concern versions of
// their keys: those that ended later, with the truncate, and those that follow it. Items of
// keys that had no version then are left to decide.
func (m *matches) precedingTruncate(f *folded) error {
	late := &lateError{}
	for i := 0; i < len(f.items); {
		end := f.chainEnd(i)
		concerned := false
		for k := i; k < end; k++ {
			it := &f.items[k]
			if it.truncated == 0 || m.repeated[k] {
				continue
			}
			concerned = concerned || len(m.current(i)) > 0 || it.unavailable != nil ||
				m.lastEnd[i] > it.at || m.lastEnd[i] == it.at && it.at == it.truncated
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
