package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// ErrRowGone is the error if the rows that are to end are not those that were read as current.
// Either another session has changed the table, or the chunk has two events of one row that seem to
// be of two: these succeed if they are applied one by one. If that fails too the table is retried
// separately.
var ErrRowGone = errors.New("the rows that are to end are not those that were current a moment ago: " +
	"another session changes the table, or a key in it is not what it was read as")

// applyDecision writes a decision. The rows of new versions are in the stage.
func (r *batchTx) applyDecision(ctx context.Context, t *tableState, f *history.FoldedChunk, st *sqlgen.Stage, d *history.Decision) error {
	if err := r.ensureYears(ctx, t, d.YearsNeeded()); err != nil {
		return err
	}
	if err := r.endVersions(ctx, t, d.Ended); err != nil {
		return err
	}
	ids, err := r.drawIDs(ctx, t.table, len(d.Versions))
	if err != nil {
		return err
	}
	ids = history.OrderIDs(ids, f, d)
	if err := r.writeVersions(ctx, t, f, st, d, ids); err != nil {
		return err
	}
	confirmed := slices.Clone(d.Confirmed)
	for _, c := range d.ConfirmedVersions {
		if d.Versions[c.ID].End == history.MaxTime {
			confirmed = append(confirmed, history.ConfirmedRow{ID: ids[c.ID], Event: c.Event})
		}
	}
	if err := r.writeConfirmed(ctx, t.table, confirmed); err != nil {
		return err
	}
	t.positions.NoteDecision(r.batch.Events, f, d, ids)
	return r.updateTransformed(ctx, t, f, history.RowEffects(f, d, ids))
}

// ensureYears creates missing history partitions. Nearly always the plan has created them, but an
// adjusted start may be in another year.
func (r *batchTx) ensureYears(ctx context.Context, t *tableState, years []int) error {
	missing := slices.DeleteFunc(slices.Clone(years), t.table.HasYear)
	if len(missing) == 0 {
		return nil
	}
	table, err := ddl.EnsureYears(ctx, r.tx, t.table, missing)
	if err != nil {
		return err
	}
	t.table, t.changed = table, true
	return nil
}

// drawIDs draws ids from the table's sequence, in ascending order. The result has the
// first id alone if all are consecutive.
func (r *batchTx) drawIDs(ctx context.Context, t *catalog.Table, n int) ([]int64, error) {
	if n == 0 {
		return nil, nil
	}
	var ids []int64
	err := r.tx.QueryRow(ctx, sqlgen.DrawIDs(t), n).Scan(&ids)
	if err != nil {
		return nil, fmt.Errorf("draw ids: %w", err)
	}
	slices.Sort(ids) // PostgreSQL would sort consecutive ids too
	for len(ids) < n {
		ids = append(ids, ids[len(ids)-1]+1)
	}
	return ids, nil
}

// writeVersions inserts the new versions: into the current table or, if the chunk has ended them,
// into history. It copies them where that is possible, and otherwise inserts them from the stage.
func (r *batchTx) writeVersions(ctx context.Context, t *tableState, f *history.FoldedChunk, st *sqlgen.Stage, d *history.Decision, ids []int64) error {
	if f.CanCopyVersions(d) {
		r.outcome.Written += len(d.Versions)
		return r.copyVersions(ctx, t, f, d.Versions, ids)
	}
	var current, past stagedVersions
	var last change.Micros
	for i, v := range d.Versions {
		if v.End == history.MaxTime {
			current.addVersion(len(f.Changes), v, ids[i])
			continue
		}
		past.addVersion(len(f.Changes), v, ids[i])
		last = max(last, v.End)
	}
	if err := r.insertStaged(ctx, t.table, t.table.Current, st, true, &current); err != nil {
		return err
	}
	if err := r.insertStaged(ctx, t.table, t.table.History, st, false, &past); err != nil {
		return err
	}
	r.outcome.Written += len(d.Versions)
	if past.n > 0 {
		r.noteEnded(t, past.n, last)
	}
	return nil
}

// stagedVersions has the versions of a chunk's changes, as arrays as long as the chunk, so that the
// statement needs no join.
type stagedVersions struct {
	n      int
	ids    []int64
	starts []change.Micros
	ends   []change.Micros
}

func (p *stagedVersions) addVersion(items int, v history.BegunVersion, id int64) {
	if p.n == 0 {
		p.ids, p.starts, p.ends = make([]int64, items), make([]change.Micros, items), make([]change.Micros, items)
	}
	p.n++
	p.ids[v.Change], p.starts[v.Change], p.ends[v.Change] = id, v.Start, v.End
}

// insertStaged inserts the versions from the stage. An id of 0 means no version: sequences begin
// with 1.
func (r *batchTx) insertStaged(ctx context.Context, t *catalog.Table, into ident.Qualified, st *sqlgen.Stage, current bool, p *stagedVersions) error {
	if p.n == 0 {
		return nil
	}
	tag, err := r.tx.Exec(ctx, sqlgen.InsertStaged(t, into, st), p.ids, pgbinary.Timestamptzs(p.starts), pgbinary.Timestamptzs(p.ends), current)
	if err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	if tag.RowsAffected() != int64(p.n) {
		return fmt.Errorf("write rows: %w", &pgbinary.RowCountError{Written: tag.RowsAffected(), Wanted: int64(p.n)})
	}
	return nil
}

// writeConfirmed inserts the ids that a resynchronization has confirmed into the table's sync
// table, if confirmed ids are kept.
func (r *batchTx) writeConfirmed(ctx context.Context, t *catalog.Table, confirmed []history.ConfirmedRow) error {
	if len(confirmed) == 0 {
		return nil
	}
	if err := r.noteConfirmedChanges(ctx, t, confirmed); err != nil || !r.keepsConfirmed {
		return err
	}
	stream := pgbinary.NewCopyStream(len(confirmed), func(dst []byte, i int) []byte {
		return pgbinary.AppendInt64(pgbinary.AppendFieldCount(dst, 1), confirmed[i].ID)
	})
	if err := pgbinary.CopyFrom(ctx, r.tx, sqlgen.CopyConfirmed(t), stream); err != nil {
		return fmt.Errorf("confirm rows: %w", err)
	}
	r.outcome.Confirmed += len(confirmed)
	return nil
}
