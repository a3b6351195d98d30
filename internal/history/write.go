package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/ddl"
	"metadb/internal/ident"
)

// errRowGone says that a row that was current a moment ago is not there any
// more: somebody else changes the table. The batch is tried again.
var errRowGone = errors.New("a row that is to end is gone: somebody else changes the table")

// write carries out a decision. The rows of new versions are in the stage.
func (r *run) write(ctx context.Context, t *target, f *folded, st *stage, d *decision) error {
	if err := r.ensureYears(ctx, t, d.years()); err != nil {
		return err
	}
	if err := r.writeEndings(ctx, t, d.endings); err != nil {
		return err
	}
	ids, err := r.newIDs(ctx, t.table, len(d.versions))
	if err != nil {
		return err
	}
	ids = inOrder(ids, f, d)
	if err := r.writeVersions(ctx, t, f, st, d, ids); err != nil {
		return err
	}
	confirmed := slices.Clone(d.confirmed)
	for _, v := range d.confirmedVersions {
		if d.versions[v].end == forever {
			confirmed = append(confirmed, ids[v])
		}
	}
	if err := r.writeConfirmed(ctx, t.table, confirmed); err != nil {
		return err
	}
	return r.transform(ctx, t, f, lineages(f, d, ids))
}

// inOrder gives each version its id so that ids ascend with the events, which the
// chains don't: versions that begin at one time have no other order.
func inOrder(ids []int64, f *folded, d *decision) []int64 {
	order := make([]int, len(d.versions))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return f.items[d.versions[a].item].event - f.items[d.versions[b].item].event })
	placed := make([]int64, len(ids))
	for rank, i := range order {
		placed[i] = ids[rank]
	}
	return placed
}

// years returns the years of every version that is written or moved. The
// versions that are current count too: they will be moved one day.
func (d *decision) years() []int {
	found := make(map[int]bool)
	for _, e := range d.endings {
		found[year(e.start)] = true
	}
	for _, v := range d.versions {
		found[year(v.start)] = true
	}
	years := make([]int, 0, len(found))
	for y := range found {
		years = append(years, y)
	}
	slices.Sort(years)
	return years
}

// ensureYears makes the history partitions that are missing. Nearly always the
// plan has seen to them; an adjusted start may lie in another year.
func (r *run) ensureYears(ctx context.Context, t *target, years []int) error {
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

// writeEndings moves rows from the current table to history.
func (r *run) writeEndings(ctx context.Context, t *target, endings []ending) error {
	if len(endings) == 0 {
		return nil
	}
	ids, ends := make([]int64, len(endings)), make([]time.Time, len(endings))
	places := make([]pgtype.TID, len(endings))
	var last change.Micros
	for i, e := range endings {
		ids[i], ends[i] = e.id, moment(e.end)
		places[i] = e.place
		last = max(last, e.end)
	}
	// Two statements: DELETE … RETURNING into INSERT copies every row once
	// more, which costs more than finding it again.
	current := t.table.Current.SQL()
	move := "INSERT INTO " + historyOf(t.table, endings).SQL() + " (" + metaColumns() + storedColumns(t.table, "") + ")" +
		" SELECT c.__id, c.__start, e.at, false, c.__origin" + storedColumns(t.table, "c.") +
		" FROM unnest($1::bigint[], $2::timestamptz[], $3::tid[]) AS e (id, at, place) JOIN " + current + " AS c ON c.ctid = e.place AND c.__id = e.id"
	moved, err := r.tx.Exec(ctx, move, ids, ends, places)
	if err != nil {
		return fmt.Errorf("end rows: %w", err)
	}
	gone, err := r.tx.Exec(ctx, "DELETE FROM "+current+" AS c USING unnest($1::bigint[], $2::tid[]) AS e (id, place) WHERE c.ctid = e.place AND c.__id = e.id", ids, places)
	if err != nil {
		return fmt.Errorf("end rows: %w", err)
	}
	if n := int64(len(endings)); moved.RowsAffected() != n || gone.RowsAffected() != n {
		return errRowGone
	}
	r.ended(t, len(endings), last)
	return nil
}

// historyOf returns the relation that ended rows are inserted into: the partition
// of their year where they share one, which spares PostgreSQL looking for it.
func historyOf(t *catalog.Table, endings []ending) ident.Qualified {
	first, last := endings[0].start, endings[0].start
	for _, e := range endings {
		first, last = min(first, e.start), max(last, e.start)
	}
	if year(first) != year(last) {
		return t.History
	}
	return t.Year(year(first))
}

// goneColumns names the columns of "gone", rows that have been deleted, by names
// of ours: a table's column can have any.
func goneColumns(t *catalog.Table) string {
	return "ord, id, began, ended, origin" + stagedColumns(t, "")
}

// moveToHistory returns the statement's end that inserts what "gone" has.
func moveToHistory(t *catalog.Table) string {
	return "INSERT INTO " + t.History.SQL() + " (" + metaColumns() + storedColumns(t, "") + ")" +
		" SELECT id, began, ended, false, origin" + stagedColumns(t, "") + " FROM gone"
}

// ended notes that versions have ended, the last of them at a time.
func (r *run) ended(t *target, versions int, last change.Micros) {
	r.outcome.Ended += versions
	if last > t.table.LastEnd {
		table := *t.table
		table.LastEnd = last
		t.table, t.changed, t.lastEndMoved = &table, true, true
	}
}

// newIDs draws ids from the table's sequence, in ascending order. They follow
// one another where nobody else draws any: then the first tells them all.
func (r *run) newIDs(ctx context.Context, t *catalog.Table, n int) ([]int64, error) {
	if n == 0 {
		return nil, nil
	}
	var ids []int64
	err := r.tx.QueryRow(ctx, "SELECT CASE WHEN max(id) - min(id) = count(*) - 1 THEN ARRAY[min(id)] ELSE array_agg(id ORDER BY id) END"+
		" FROM (SELECT nextval("+regclass(t.Sequence)+") AS id FROM generate_series(1, $1::bigint)) AS drawn", n).Scan(&ids)
	if err != nil {
		return nil, fmt.Errorf("draw ids: %w", err)
	}
	for len(ids) < n {
		ids = append(ids, ids[len(ids)-1]+1)
	}
	return ids, nil
}

// writeVersions inserts new versions from the stage, into the current table or,
// where the chunk ended them already, into history.
func (r *run) writeVersions(ctx context.Context, t *target, f *folded, st *stage, d *decision, ids []int64) error {
	if f.copyable(d) {
		r.outcome.Written += len(d.versions)
		return r.copyCurrent(ctx, t, f, d.versions, ids)
	}
	var current, past placement
	var last change.Micros
	for i, v := range d.versions {
		if v.end == forever {
			current.add(len(f.items), v, ids[i])
			continue
		}
		past.add(len(f.items), v, ids[i])
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
		r.ended(t, past.n, last)
	}
	return nil
}

// placement says for every item of a chunk whether, and how, it becomes a
// version: arrays as long as the chunk, so that the statement needs no join.
type placement struct {
	n      int
	ids    []int64
	starts []change.Micros
	ends   []change.Micros
}

func (p *placement) add(items int, v version, id int64) {
	if p.n == 0 {
		p.ids, p.starts, p.ends = make([]int64, items), make([]change.Micros, items), make([]change.Micros, items)
	}
	p.n++
	p.ids[v.item], p.starts[v.item], p.ends[v.item] = id, v.start, v.end
}

// insertStaged inserts the items that are placed. Ids are never 0: sequences
// begin with 1.
func (r *run) insertStaged(ctx context.Context, t *catalog.Table, into ident.Qualified, st *stage, current bool, p *placement) error {
	if p.n == 0 {
		return nil
	}
	sql := "INSERT INTO " + into.SQL() + " (" + metaColumns() + storedColumns(t, "") + ")" +
		" SELECT ($1::bigint[])[s.ord + 1], ($2::timestamptz[])[s.ord + 1], ($3::timestamptz[])[s.ord + 1], $4::boolean, s.origin" + stagedColumns(t, "s.") +
		" FROM " + st.SQL() + " s WHERE NOT s.probe AND ($1::bigint[])[s.ord + 1] <> 0"
	tag, err := r.tx.Exec(ctx, sql, p.ids, moments(p.starts), moments(p.ends), current)
	if err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	if tag.RowsAffected() != int64(p.n) {
		return fmt.Errorf("write rows: %d of %d were written", tag.RowsAffected(), p.n)
	}
	return nil
}

// writeConfirmed adds ids to the table of those that a resynchronization has
// seen.
func (r *run) writeConfirmed(ctx context.Context, t *catalog.Table, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	stream := newCopyStream(len(ids), func(dst []byte, i int) []byte {
		return appendInt64(appendCount(dst, 1), ids[i])
	})
	if err := copyFrom(ctx, r.tx, "COPY "+t.Sync.SQL()+" ("+ident.ID.SQL()+")", stream); err != nil {
		return fmt.Errorf("confirm rows: %w", err)
	}
	r.outcome.Confirmed += len(ids)
	return nil
}

// storeLastEnds stores the tables' LastEnd where it has moved.
func (r *run) storeLastEnds(ctx context.Context) error {
	var schemas, names []string
	var ends []time.Time
	for _, t := range r.settled {
		if t.lastEndMoved {
			schemas, names = append(schemas, t.table.Name.Schema), append(names, t.table.Name.Name)
			ends = append(ends, moment(t.table.LastEnd))
		}
	}
	if len(ends) == 0 {
		return nil
	}
	_, err := r.tx.Exec(ctx, `
		UPDATE metadb.target_table t SET last_end = e.last_end
			FROM unnest($1::text[], $2::text[], $3::timestamptz[]) e (schema_name, table_name, last_end)
			WHERE t.schema_name = e.schema_name AND t.table_name = e.table_name`, schemas, names, ends)
	if err != nil {
		return fmt.Errorf("store when versions last ended: %w", err)
	}
	return nil
}
