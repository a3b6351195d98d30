package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
)

// In a resynchronization a rejected record shows that its row exists at the source. The current row
// of its key is therefore confirmed, so that endsync does not end it. If the key is not readable
// either, endsync must refuse the table.

// confirmRejectedKeys confirms the rows of undecodable records with a readable key. Keys of one
// table with the same columns are looked up as a set.
func (r *batchTx) confirmRejectedKeys(ctx context.Context) error {
	for len(r.rejectsWithKey) > 0 {
		first := r.rejected.Events[r.rejectsWithKey[0]].Event
		t := r.tableStateOf(first.Table)
		if t == nil || !t.hasKeyColumns(first.Shape) {
			r.rejectsWithKey = r.rejectsWithKey[1:] // there is no row to confirm
			continue
		}
		c := history.NewChunk(t.target(), first)
		var events, rejects, rest []int
		for _, i := range r.rejectsWithKey {
			e := r.rejected.Events[i].Event
			if e.Table != first.Table || !c.HasSameKey(e) {
				rest = append(rest, i)
				continue
			}
			events, rejects = append(events, r.rejected.Events[i].Index), append(rejects, i)
		}
		before := r.outcome
		unconfirmed, err := r.confirmKeys(ctx, t, c, events)
		if err != nil {
			return err
		}
		r.addTableStats(t.table.Name, &before, 0)
		for _, i := range rejects {
			r.rejected.Events[i].Unconfirmed = unconfirmed
		}
		r.rejectsWithKey = rest
	}
	return nil
}

// tableStateOf returns a table of the current segment or of the snapshot, or nil.
func (r *batchTx) tableStateOf(name change.Table) *tableState {
	for _, t := range r.tables {
		if t.table.Name == name {
			return t
		}
	}
	if table := r.snapshot.Table(name); table != nil {
		return &tableState{table: table}
	}
	return nil
}

// hasKeyColumns reports whether the table has every column of a key.
func (t *tableState) hasKeyColumns(shape *change.Shape) bool {
	for _, at := range shape.Key {
		if t.table.Column(shape.Columns[at].Name) == history.None {
			return false
		}
	}
	return true
}

// confirmKeys confirms the current rows of the events' keys. It returns true if PostgreSQL can't
// store the keys at all.
func (r *batchTx) confirmKeys(ctx context.Context, t *tableState, c *history.Chunk, events []int) (impossible bool, err error) {
	err = r.withSavepoint(ctx, func() error { return r.confirmCurrentRows(ctx, t, c, events) })
	var refused *pgconn.PgError
	if errors.As(err, &refused) && isValueError(err, refused) {
		return true, nil
	}
	return false, err
}

func (r *batchTx) confirmCurrentRows(ctx context.Context, t *tableState, c *history.Chunk, events []int) error {
	only := c.KeyChunk(t.target(), events)
	f := history.FoldKeys(only, r.batch.Events)
	st, err := r.fillStage(ctx, t, only, f)
	if err != nil {
		return fmt.Errorf("confirm the keys of rejected events: %w", &stageError{err})
	}
	m := history.NewMatches(len(f.Changes))
	for nulls := range f.NullPatterns {
		if err := r.loadCurrent(ctx, sqlgen.KeyMatch{Table: t.table, Stage: st, Key: only.KeyIndexes, Nulls: nulls}, foundRows{matches: m}); err != nil {
			return err
		}
	}
	var confirmed []history.ConfirmedRow
	for i := range f.Changes {
		for _, row := range m.CurrentRows(i) {
			confirmed = append(confirmed, history.ConfirmedRow{ID: row.ID, Event: f.Changes[i].Event})
		}
	}
	return r.writeConfirmed(ctx, t.table, confirmed)
}
