package history

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
)

// A record that is set aside says, in a resynchronization, that its row is at
// the source: what is current of its key is confirmed, and endsync will not end
// it. Where the key can't be read either, endsync has to refuse the table.

// confirmKeyed confirms the keys of records that could not be decoded but for
// their key. Keys of one table and kind are looked up as a set.
func (r *run) confirmKeyed(ctx context.Context) error {
	for len(r.keyed) > 0 {
		first := r.rejects[r.keyed[0]].event
		t := r.targetOf(first.Table)
		if t == nil || !t.knows(first.Shape) {
			r.keyed = r.keyed[1:] // there is no row that could be confirmed
			continue
		}
		c := newChunk(t, first)
		var events, rejects, rest []int
		for _, i := range r.keyed {
			e := r.rejects[i].event
			if e.Table != first.Table || !c.sameKey(e) {
				rest = append(rest, i)
				continue
			}
			events, rejects = append(events, r.rejects[i].number), append(rejects, i)
		}
		before := r.outcome
		unconfirmed, err := r.confirmKeys(ctx, t, c, events)
		if err != nil {
			return err
		}
		r.tally(t.table.Name, &before, 0)
		for _, i := range rejects {
			r.rejects[i].unconfirmed = unconfirmed
		}
		r.keyed = rest
	}
	return nil
}

// targetOf returns a table of the segment, or of those before it, or nil.
func (r *run) targetOf(name change.Table) *target {
	for _, t := range r.tables {
		if t.table.Name == name {
			return t
		}
	}
	if table := r.snapshot.Table(name); table != nil {
		return &target{table: table}
	}
	return nil
}

// knows reports whether the table has every column of a key.
func (t *target) knows(shape *change.Shape) bool {
	for _, at := range shape.Key {
		if t.table.Column(shape.Columns[at].Name) == none {
			return false
		}
	}
	return true
}

// confirmKeys confirms the current rows of the events' keys. It reports true if
// PostgreSQL can't even store the keys.
func (r *run) confirmKeys(ctx context.Context, t *target, c *chunk, events []int) (impossible bool, err error) {
	err = r.savepoint(ctx, func() error { return r.confirmCurrent(ctx, t, c, events) })
	var refused *pgconn.PgError
	if errors.As(err, &refused) && isValue(err, refused) {
		return true, nil
	}
	return false, err
}

func (r *run) confirmCurrent(ctx context.Context, t *target, c *chunk, events []int) error {
	only := &chunk{events: events, key: c.key, keyColumns: c.keyColumns}
	only.setFields(t, only.keyColumns, events[0])
	f := &folded{nulls: make(map[pattern]bool, 1)}
	for _, i := range events {
		e := &r.batch.Events[i]
		key := make(change.Row, 0, len(e.Row))
		for _, at := range e.Shape.Key {
			key = change.AppendCell(key, e.Row.Cell(at))
		}
		f.nulls[nullsInKey(key)] = true
		f.items = append(f.items, item{event: i, head: true, row: key, at: e.Time, confirm: true})
	}
	st, err := r.fillStage(ctx, t, only, f)
	if err != nil {
		return fmt.Errorf("confirm the keys of rejected events: %w", &stageError{err})
	}
	m := newMatches(len(f.items))
	for nulls := range f.nulls {
		if err := r.matchCurrent(ctx, t.table, only.key, nulls, st, m); err != nil {
			return err
		}
	}
	var confirmed []confirmation
	for i := range f.items {
		for _, row := range m.current(i) {
			confirmed = append(confirmed, confirmation{row.id, f.items[i].event})
		}
	}
	return r.writeConfirmed(ctx, t.table, confirmed)
}
