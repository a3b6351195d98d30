package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
)

// ErrRowGone is the error if the rows that are to end are not those that were read as current.
// Either another session has changed the table, or the chunk has two events of one row that seem to
// be of two: these succeed if they are applied one by one. If that fails too the table is retried
// separately.
var ErrRowGone = errors.New("the rows that are to end are not those that were current a moment ago: " +
	"another session changes the table, or a key in it is not what it was read as")

// applyDecision writes a decision. The rows of new versions are in the stage.
func (r *batchTx) applyDecision(ctx context.Context, t *tableState, f *foldedChunk, st *stage, d *decision) error {
	if err := r.ensureYears(ctx, t, d.yearsNeeded()); err != nil {
		return err
	}
	if err := r.endVersions(ctx, t, d.ended); err != nil {
		return err
	}
	ids, err := r.drawIDs(ctx, t.table, len(d.versions))
	if err != nil {
		return err
	}
	ids = orderIDs(ids, f, d)
	if err := r.writeVersions(ctx, t, f, st, d, ids); err != nil {
		return err
	}
	confirmed := slices.Clone(d.confirmed)
	for _, c := range d.confirmedVersions {
		if d.versions[c.id].end == maxTime {
			confirmed = append(confirmed, confirmedRow{ids[c.id], c.event})
		}
	}
	if err := r.writeConfirmed(ctx, t.table, confirmed); err != nil {
		return err
	}
	r.noteDecisionPositions(t, f, d, ids)
	return r.updateTransformed(ctx, t, f, rowEffects(f, d, ids))
}

// orderIDs returns the ids by version, ascending in the order of the events, which is not that of
// the chains: versions that begin at one time have no other order.
func orderIDs(ids []int64, f *foldedChunk, d *decision) []int64 {
	order := make([]int, len(d.versions))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return f.changes[d.versions[a].change].event - f.changes[d.versions[b].change].event
	})
	placed := make([]int64, len(ids))
	for rank, i := range order {
		placed[i] = ids[rank]
	}
	return placed
}

// yearsNeeded returns the years of the starts of all versions that are written or moved. Current
// versions count too, since they will be moved later.
func (d *decision) yearsNeeded() []int {
	found := make(map[int]bool)
	for _, e := range d.ended {
		found[yearOf(e.start)] = true
	}
	for _, v := range d.versions {
		found[yearOf(v.start)] = true
	}
	years := make([]int, 0, len(found))
	for y := range found {
		years = append(years, y)
	}
	slices.Sort(years)
	return years
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

// drawIDs draws ids from the table's sequence, in ascending order. The first id is enough if all
// are consecutive, which holds unless another session draws ids.
func (r *batchTx) drawIDs(ctx context.Context, t *catalog.Table, n int) ([]int64, error) {
	if n == 0 {
		return nil, nil
	}
	var ids []int64
	err := r.tx.QueryRow(ctx, "SELECT CASE WHEN max(id) - min(id) = count(*) - 1 THEN ARRAY[min(id)] ELSE array_agg(id ORDER BY id) END"+
		" FROM (SELECT nextval("+t.Sequence.Regclass()+") AS id FROM generate_series(1, $1::bigint)) AS drawn", n).Scan(&ids)
	if err != nil {
		return nil, fmt.Errorf("draw ids: %w", err)
	}
	for len(ids) < n {
		ids = append(ids, ids[len(ids)-1]+1)
	}
	return ids, nil
}

// writeVersions inserts the new versions: into the current table or, if the chunk has ended them,
// into history. It copies them where that is possible, and otherwise inserts them from the stage.
func (r *batchTx) writeVersions(ctx context.Context, t *tableState, f *foldedChunk, st *stage, d *decision, ids []int64) error {
	if f.canCopyVersions(d) {
		r.outcome.Written += len(d.versions)
		return r.copyVersions(ctx, t, f, d.versions, ids)
	}
	var current, past stagedVersions
	var last change.Micros
	for i, v := range d.versions {
		if v.end == maxTime {
			current.addVersion(len(f.changes), v, ids[i])
			continue
		}
		past.addVersion(len(f.changes), v, ids[i])
		last = max(last, v.end)
	}
	if err := r.insertStaged(ctx, t.table, t.table.Current, st, true, &current); err != nil {
		return err
	}
	if err := r.insertStaged(ctx, t.table, t.table.History, st, false, &past); err != nil {
		return err
	}
	r.outcome.Written += len(d.versions)
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

func (p *stagedVersions) addVersion(items int, v newVersion, id int64) {
	if p.n == 0 {
		p.ids, p.starts, p.ends = make([]int64, items), make([]change.Micros, items), make([]change.Micros, items)
	}
	p.n++
	p.ids[v.change], p.starts[v.change], p.ends[v.change] = id, v.start, v.end
}

// insertStaged inserts the versions from the stage. An id of 0 means no version: sequences begin
// with 1.
func (r *batchTx) insertStaged(ctx context.Context, t *catalog.Table, into ident.Qualified, st *stage, current bool, p *stagedVersions) error {
	if p.n == 0 {
		return nil
	}
	sql := "INSERT INTO " + into.SQL() + " (" + metaColumns() + storedColumns(t, "") + ")" +
		" SELECT ($1::bigint[])[s.ord + 1], ($2::timestamptz[])[s.ord + 1], ($3::timestamptz[])[s.ord + 1], $4::boolean, s.origin" + stagedColumns(t, "s.") +
		" FROM " + st.SQL() + " s WHERE NOT s.probe AND ($1::bigint[])[s.ord + 1] <> 0"
	tag, err := r.tx.Exec(ctx, sql, p.ids, timestamptzs(p.starts), timestamptzs(p.ends), current)
	if err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	if tag.RowsAffected() != int64(p.n) {
		return fmt.Errorf("write rows: %w", &rowCountError{written: tag.RowsAffected(), wanted: int64(p.n)})
	}
	return nil
}

// writeConfirmed inserts the ids that a resynchronization has confirmed into the table's sync
// table, if confirmed ids are kept.
func (r *batchTx) writeConfirmed(ctx context.Context, t *catalog.Table, confirmed []confirmedRow) error {
	if len(confirmed) == 0 {
		return nil
	}
	if err := r.noteConfirmedChanges(ctx, t, confirmed); err != nil || !r.keepsConfirmed {
		return err
	}
	stream := newCopyStream(len(confirmed), func(dst []byte, i int) []byte {
		return appendInt64(appendFieldCount(dst, 1), confirmed[i].id)
	})
	if err := copyFrom(ctx, r.tx, "COPY "+t.Sync.SQL()+" ("+ident.ID.SQL()+")", stream); err != nil {
		return fmt.Errorf("confirm rows: %w", err)
	}
	r.outcome.Confirmed += len(confirmed)
	return nil
}
