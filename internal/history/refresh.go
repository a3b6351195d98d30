package history

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/transform"
)

// Refreshing says how a table's mappings are applied to the rows that are there.
type Refreshing struct {
	Table change.Table
	// Exclusively does something while no batch is applied.
	Exclusively func(do func() error) error
	// Progress is told, after each step, how many rows have been looked at,
	// and about how many there are.
	Progress func(done, total int64)
	// Step is how many rows are transformed at a time; 0 for 2000.
	Step int
}

// Refreshed is what a refresh has done: rows of the table looked at, versions of
// transformed rows written and ended.
type Refreshed struct{ Rows, Written, Ended int }

// defaultStep is about half a second of work.
const defaultStep = 2000

// errMappingsChanged says that a refresh has not applied what is mapped now.
var errMappingsChanged = errors.New("the table's mappings have been changed meanwhile: refresh it again")

// errNoTable says that there is nothing to be refreshed.
var errNoTable = errors.New("the table does not exist")

// Refresh transforms the current rows of a table, as its mappings say now, in
// steps between which batches are applied, and ends transformed rows that no
// mapping makes any more. It can be interrupted and begun again: rows that are
// there already stay. From then on the transformed tables are known to be
// complete, which makes updates faster.
func (a *Applier) Refresh(ctx context.Context, o Refreshing) (Refreshed, error) {
	if o.Step == 0 {
		o.Step = defaultStep
	}
	f := &refresh{Refreshing: o}
	for !f.done {
		err := o.Exclusively(func() error {
			r := &run{Applier: a, batch: &change.Batch{}}
			outcome, err := a.within(ctx, r, func(ctx context.Context) error { return f.step(ctx, r) })
			f.warnings = append(f.warnings, outcome.Warnings...)
			return err
		})
		if err != nil {
			return f.Refreshed, fmt.Errorf("refresh the mappings of table %s: %w", o.Table, err)
		}
		o.Progress(int64(f.Rows), max(f.total, int64(f.Rows)))
	}
	slices.Sort(f.warnings)
	for _, warning := range slices.Compact(f.warnings) {
		a.config.Logger.Warn(warning)
	}
	return f.Refreshed, nil
}

// refresh is one on its way.
type refresh struct {
	Refreshing
	Refreshed
	begun       bool
	text        string
	total       int64
	last, until int64
	now         time.Time
	done        bool
	warnings    []string
}

// step transforms some rows, or ends the refresh.
func (f *refresh) step(ctx context.Context, r *run) error {
	if err := r.loadMappings(ctx); err != nil {
		return err
	}
	r.snapshot = r.config.Store.Snapshot()
	table := r.snapshot.Table(f.Table)
	if table == nil || table.IsTransformed() {
		return errNoTable
	}
	if err := r.usable(table); err != nil {
		return fmt.Errorf("table %s can't be used: %w", table.Name, err)
	}
	set := r.mappings.set(table)
	if !f.begun {
		if err := f.begin(ctx, r, table, set); err != nil {
			return err
		}
	}
	if set.Text() != f.text {
		return errMappingsChanged
	}
	t := &target{table: table}
	r.tables = append(r.tables, t)
	n := 0
	if !set.Empty() {
		var err error
		if n, err = f.rows(ctx, r, t, set); err != nil {
			return err
		}
	}
	if n < f.Step {
		if err := f.finish(ctx, r, t, set); err != nil {
			return err
		}
	}
	for _, t := range r.tables {
		r.settle(t)
	}
	f.Written, f.Ended = f.Written+r.transformed.Written, f.Ended+r.transformed.Ended+r.outcome.Ended
	return r.storeLastEnds(ctx)
}

// begin notes what there is to do.
func (f *refresh) begin(ctx context.Context, r *run, t *catalog.Table, set *transform.Set) error {
	f.begun, f.text = true, set.Text()
	err := r.tx.QueryRow(ctx, "SELECT count(*), coalesce(max(__id), 0), date_trunc('milliseconds', clock_timestamp()) FROM "+t.Current.SQL()).
		Scan(&f.total, &f.until, &f.now)
	if err != nil {
		return fmt.Errorf("count the rows: %w", err)
	}
	return nil
}

// rows transforms the next rows and returns how many they were.
func (f *refresh) rows(ctx context.Context, r *run, t *target, set *transform.Set) (int, error) {
	columns := documentColumns(t.table, set)
	c := &chunk{}
	wanted := ""
	shape := &change.Shape{}
	for i, at := range t.table.Key {
		c.key = append(c.key, at)
		c.keyColumns = append(c.keyColumns, t.table.Columns[at].Column)
		shape.Key = append(shape.Key, i)
		wanted += ", p." + t.table.Columns[at].Stored.SQL()
	}
	shape.Columns = c.keyColumns
	wanted += listDocuments(columns, storedIn(t.table, "p."))
	of := parents{from: t.table.Current}
	f2 := &folded{chunk: c}
	documents := &newDocuments{fetched: make(map[int64][][]byte)}
	var lines []lineage
	sql := "SELECT p.__id, p.__start, p.__origin::text" + wanted + " FROM " + t.table.Current.SQL() +
		" AS p WHERE p.__id > $1 AND p.__id <= $2 ORDER BY p.__id LIMIT $3"
	params := [][]byte{int8Bytes(f.last), int8Bytes(f.until), int8Bytes(int64(f.Step))}
	err := r.read(ctx, sql, params, func(row [][]byte) {
		n := len(lines)
		id := int64(binary.BigEndian.Uint64(row[0]))
		start := change.Micros(binary.BigEndian.Uint64(row[1])) + pgEpoch
		e := change.Event{Op: change.Upsert, Origin: change.Origin(row[2]), Time: start, Shape: shape}
		for _, value := range row[3 : 3+len(shape.Key)] {
			if value == nil {
				e.Row = change.AppendNull(e.Row)
			} else {
				e.Row = change.AppendValue(e.Row, value)
			}
		}
		texts := make([][]byte, len(columns))
		for i, column := range columns {
			texts[i] = column.text(slices.Clone(row[3+len(shape.Key)+i]))
		}
		documents.fetched[id] = texts
		r.batch.Events = append(r.batch.Events, e)
		f2.items = append(f2.items, item{event: n, head: true, at: start})
		lines = append(lines, lineage{item: n, begun: []begun{{version{item: n, start: start, end: forever, succeeds: true}, id}}})
		of.ids, of.numbers = append(of.ids, id), append(of.numbers, n)
		f.last = id
	})
	if err != nil {
		return 0, fmt.Errorf("read rows: %w", err)
	}
	held, err := r.readHeld(ctx, t, set, of)
	if err != nil {
		return 0, err
	}
	d := r.newDescent(t, f2, set)
	for i := range lines {
		b := lines[i].begun[0]
		next := holding{rows: d.newer, document: d.layout.Add(d.newer, documents.of(nil, b)), end: forever, item: i}
		d.step(d.known(held[i], i, micros(f.now)), next, b.start)
	}
	f.Rows += len(lines)
	return len(lines), d.write(ctx)
}

// finish ends what no mapping makes any more, and notes that all is complete.
func (f *refresh) finish(ctx context.Context, r *run, t *target, set *transform.Set) error {
	f.done = true
	for _, name := range r.children(t.table.Name) {
		child := r.child(name)
		if child == nil {
			continue
		}
		where := "true"
		if slices.ContainsFunc(set.Targets, func(target string) bool { return childName(t.table.Name, target) == name }) {
			if !hasRoot(child.table, t.table) {
				continue
			}
			where = isOrphan(child.table, t.table)
		}
		if err := r.endWhere(ctx, child, where, f.now); err != nil {
			return fmt.Errorf("end rows of table %s: %w", name, err)
		}
	}
	table := *t.table
	table.Mapped = set.Text()
	t.table, t.changed = &table, true
	return r.storeMapped(ctx, t.table)
}

func int8Bytes(value int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(value)) }
