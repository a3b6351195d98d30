package history

import (
	"context"
	"fmt"
	"math"
	"slices"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/transform"
)

// transform brings the tables that are transformed from a table in line with what
// a chunk did to it. Rows of documents that are written alike before and after
// are not looked at; the others become events of the transformed tables, which
// are applied as those of a source are.
func (r *run) transform(ctx context.Context, t *target, f *folded, lines []lineage) error {
	return r.transformTaken(ctx, t, f, lines, nil)
}

// transformTaken is transform where the documents of the versions that have ended
// are known, by their ids.
func (r *run) transformTaken(ctx context.Context, t *target, f *folded, lines []lineage, taken map[int64][][]byte) error {
	d, err := r.prepare(ctx, t, f, lines)
	if d == nil || err != nil {
		return err
	}
	d.taken = taken
	if err := d.collect(ctx); err != nil {
		return err
	}
	return d.apply(ctx)
}

// prepare returns the way of a chunk into the transformed tables, nil if there are
// none.
func (r *run) prepare(ctx context.Context, t *target, f *folded, lines []lineage) (*descent, error) {
	if t.table.IsTransformed() || len(lines) == 0 {
		return nil, nil
	}
	set := r.mappings.set(t.table)
	children := r.children(t.table.Name)
	if set.Empty() && len(children) == 0 {
		return nil, nil
	}
	if err := r.noteMapped(ctx, t, set); err != nil {
		return nil, err
	}
	if err := r.endStrays(ctx, t, set, children, lines); err != nil {
		return nil, err
	}
	if set.Empty() {
		return nil, nil
	}
	d := r.newDescent(t, f, set)
	d.lines = lines
	return d, nil
}

// noteMapped notes that a new table has had its mappings from the beginning: so
// its transformed tables are complete.
func (r *run) noteMapped(ctx context.Context, t *target, set *transform.Set) error {
	if t.delta.Before != nil || t.table.Mapped == set.Text() || t.delta.After == nil {
		return nil
	}
	table := *t.table
	table.Mapped = set.Text()
	t.table, t.changed = &table, true
	return r.storeMapped(ctx, t.table)
}

// storeMapped stores which mappings a table's transformed tables are complete for.
func (r *run) storeMapped(ctx context.Context, t *catalog.Table) error {
	_, err := r.tx.Exec(ctx, "UPDATE metadb.target_table SET mapped = $3 WHERE schema_name = $1 AND table_name = $2",
		t.Name.Schema, t.Name.Name, t.Mapped)
	if err != nil {
		return fmt.Errorf("note which mappings table %s has: %w", t.Name, err)
	}
	return nil
}

// descent is a chunk of a table on its way into the transformed tables.
type descent struct {
	*run
	parent *target
	folded *folded
	set    *transform.Set
	layout *transform.Layout
	// newer are the rows of new versions, older those of versions that have
	// ended, keys those of which only the positions are known.
	newer, older, keys *transform.Rows
	lines              []lineage
	// rows are what is to be done, for each table of the set.
	rows    [][]childRow
	changes []transform.Change
	texts   [][]byte
	// taken are the documents of versions that have ended, if they have been
	// read already.
	taken map[int64][][]byte
	// firstNew is the lowest id of a version that the chunk has written.
	firstNew int64
}

func (r *run) newDescent(t *target, f *folded, set *transform.Set) *descent {
	known := r.layout(t.table, set)
	return &descent{
		run: r, parent: t, folded: f, set: set, layout: known.Layout,
		older: known.older, newer: known.newer, keys: known.keys,
		rows: make([][]childRow, len(set.Targets)), firstNew: math.MaxInt64,
	}
}

// childRow is one event of a transformed table.
type childRow struct {
	line   *lineage
	from   *transform.Rows
	row    int
	upsert bool
	at     change.Micros
}

// collect finds out what is to be done, if anything. It asks the database where
// versions have ended or lack values, and only there.
func (d *descent) collect(ctx context.Context) error {
	if d == nil {
		return nil
	}
	if err := d.collectLines(ctx); err != nil {
		return fmt.Errorf("transform rows of table %s: %w", d.parent.table.Name, err)
	}
	return nil
}

func (d *descent) collectLines(ctx context.Context) error {
	lines := d.lines
	columns := documentColumns(d.parent.table, d.set)
	documents, err := d.readNew(ctx, d.parent, d.folded, columns, lines)
	if err != nil {
		return err
	}
	complete := d.parent.table.Mapped == d.set.Text()
	var ended map[int64][][]byte
	if complete {
		if ended = d.taken; ended == nil {
			if ended, err = d.readEnded(ctx, d.parent, columns, lines); err != nil {
				return err
			}
		}
	}
	// What is not known from documents is asked of the tables themselves.
	asked := parents{from: d.parent.table.History}
	for i := range lines {
		if complete && len(lines[i].ended) == 1 {
			continue
		}
		for _, id := range lines[i].ended {
			asked.ids, asked.numbers = append(asked.ids, id), append(asked.numbers, i)
		}
	}
	held, err := d.readHeld(ctx, d.parent, d.set, asked)
	if err != nil {
		return err
	}
	for i := range lines {
		line := &lines[i]
		now := holding{}
		if len(line.ended) > 0 {
			now = d.before(line, ended, held[i], complete)
		}
		for _, b := range line.begun {
			d.firstNew = min(d.firstNew, b.id)
			d.texts = documents.of(d.texts[:0], b)
			next := holding{rows: d.newer, document: d.layout.Add(d.newer, d.texts), end: b.end}
			if !b.succeeds {
				d.step(line, now, holding{}, now.end)
				now = holding{}
			}
			d.step(line, now, next, b.start)
			now = next
		}
		if now.end != forever {
			d.step(line, now, holding{}, now.end)
		}
	}
	return nil
}

// holding are the transformed rows that a parent has at some point, until end.
// The zero value has none.
type holding struct {
	rows     *transform.Rows
	document int
	end      change.Micros
}

// before returns the transformed rows of the versions that have ended.
func (d *descent) before(line *lineage, ended map[int64][][]byte, held []heldRow, complete bool) holding {
	if complete && len(line.ended) == 1 {
		return holding{rows: d.older, document: d.layout.Add(d.older, ended[line.ended[0]]), end: line.end}
	}
	return d.known(held, line.end)
}

// known returns transformed rows of which only the positions are known.
func (d *descent) known(held []heldRow, end change.Micros) holding {
	held = sortedRows(held)
	document := d.keys.AddKeys(func(yield func(int, []int32)) {
		for _, row := range held {
			yield(row.table, row.ords)
		}
	})
	return holding{rows: d.keys, document: document, end: end}
}

// step notes what has to change from some rows to others: rows end when the
// former ones do, and begin at a time.
func (d *descent) step(line *lineage, from, to holding, at change.Micros) {
	older, o, newer, n := from.rows, from.document, to.rows, to.document
	if older == nil {
		older, o = d.older, none
	}
	if newer == nil {
		newer, n = d.newer, none
	}
	d.changes = transform.Changes(d.changes[:0], older, o, newer, n)
	for _, c := range d.changes {
		if c.New == none {
			d.rows[c.Table] = append(d.rows[c.Table], childRow{line: line, from: older, row: c.Old, at: from.end})
			continue
		}
		d.layout.Note(newer, c.Table, c.New)
		d.rows[c.Table] = append(d.rows[c.Table], childRow{line: line, from: newer, row: c.New, upsert: true, at: at})
	}
}

// hasRoot reports whether a transformed table has the parent's key as it is now.
func hasRoot(child, parent *catalog.Table) bool {
	return !slices.ContainsFunc(parent.Key, func(at int) bool {
		return child.Column(transform.RootColumn(parent.Columns[at].Name)) < 0
	})
}

// rootPairs returns the key columns of the parent with those of a transformed
// table that hold them.
func rootPairs(child, parent *catalog.Table) [][2]ident.Name {
	pairs := make([][2]ident.Name, 0, len(parent.Key))
	for _, at := range parent.Key {
		if root := child.Column(transform.RootColumn(parent.Columns[at].Name)); root >= 0 {
			pairs = append(pairs, [2]ident.Name{child.Columns[root].Stored, parent.Columns[at].Stored})
		}
	}
	return pairs
}

// sameRoots returns the conditions that a row c of a transformed table belongs to
// the row p of its parent: one for keys without NULL, which an index serves, and
// one for the few that have one.
func sameRoots(child, parent *catalog.Table) [2]string {
	const origin = "c.__origin = p.__origin"
	equal, same, null := origin, origin, "false"
	for _, pair := range rootPairs(child, parent) {
		c, p := "c."+pair[0].SQL(), "p."+pair[1].SQL()
		equal += " AND " + c + " = " + p
		same += " AND " + c + " IS NOT DISTINCT FROM " + p
		null += " OR " + p + " IS NULL"
	}
	return [2]string{equal, same + " AND (" + null + ")"}
}
