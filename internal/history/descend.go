package history

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/ddl"
	"metadb/internal/plan"
)

// apply applies what has been collected, table by table.
func (d *descent) apply(ctx context.Context) error {
	if d == nil {
		return nil
	}
	for table := range d.rows {
		if len(d.rows[table]) == 0 {
			continue
		}
		events, err := d.events(table)
		if err != nil {
			return err
		}
		if err := d.applyEvents(ctx, table, events); err != nil {
			return err
		}
	}
	for _, text := range d.layout.Left() {
		d.warn(fmt.Sprintf("table %s: %s", d.parent.table.Name, text))
	}
	return nil
}

// block is how much memory is taken at a time for the rows of events.
const block = 128 << 10

// events returns the events of a transformed table.
func (d *descent) events(table int) ([]change.Event, error) {
	name := childName(d.parent.table.Name, d.set.Targets[table])
	shapes := d.layout.Shapes(table, d.folded.chunk.keyColumns)
	events := make([]change.Event, 0, len(d.rows[table]))
	var buffer change.Row
	for i := range d.rows[table] {
		row := &d.rows[table][i]
		head := &d.batch.Events[d.folded.items[row.line.item].event]
		e := change.Event{Op: change.Delete, Table: name, Origin: head.Origin, Source: d.parent.table.Name, Time: row.at, Shape: shapes.Delete}
		if !row.upsert && !shapes.Holds(row.from, table, row.row) {
			continue
		}
		if cap(buffer)-len(buffer) < block/32 {
			buffer = make(change.Row, 0, block)
		}
		begin := len(buffer)
		buffer = appendKeyCells(buffer, head)
		if row.upsert {
			var err error
			e.Op, e.Shape = change.Upsert, shapes.Upsert
			if buffer, err = shapes.AppendRow(buffer, row.from, table, row.row); err != nil {
				return nil, fmt.Errorf("transform a row of table %s: %w", d.parent.table.Name, err)
			}
		} else {
			buffer = shapes.AppendKey(buffer, row.from, table, row.row)
		}
		e.Row = buffer[begin:len(buffer):len(buffer)]
		events = append(events, e)
	}
	return events, nil
}

// appendKeyCells appends the cells of an event's key.
func appendKeyCells(dst change.Row, e *change.Event) change.Row {
	for _, at := range e.Shape.Key {
		dst = change.AppendCell(dst, e.Row.Cell(at))
	}
	return dst
}

// applyEvents applies events of a transformed table, which have one shape, and
// makes the table as it has to be.
func (d *descent) applyEvents(ctx context.Context, table int, events []change.Event) error {
	if len(events) == 0 {
		return nil
	}
	name := childName(d.parent.table.Name, d.set.Targets[table])
	child, steps, err := d.fitChild(ctx, d.parent.table, name, events)
	if child == nil || err != nil {
		return err
	}
	if err := d.remake(ctx, table, child, steps); err != nil {
		return err
	}
	r := d.run
	child.events = child.events[:0]
	for i := range events {
		child.events = append(child.events, i)
	}
	sub := &run{Applier: r.Applier, tx: r.tx, batch: &change.Batch{Source: r.batch.Source, Events: events}, snapshot: r.snapshot}
	for _, c := range cut(child, events) {
		if err := sub.writeChunk(ctx, child, c); err != nil {
			return fmt.Errorf("apply to %s: %w", name, err)
		}
	}
	r.transformed.Written += sub.outcome.Written
	r.transformed.Ended += sub.outcome.Ended
	for _, warning := range sub.outcome.Warnings {
		r.warn(warning)
	}
	child.delta, child.events = plan.Delta{}, nil
	return nil
}

// fitChild makes a transformed table fit the events that go to it, and returns
// the changes of type. The table is nil if there is nothing to do or the events
// can't be applied.
func (r *run) fitChild(ctx context.Context, parent *catalog.Table, name change.Table, events []change.Event) (*target, []plan.Step, error) {
	child := r.child(name)
	made := plan.MakeTransformed(parent, plannable(events), r.familySnapshot(child))
	for _, warning := range made.Warnings {
		r.warn(warning)
	}
	if len(made.Refused) > 0 || len(made.Deltas) == 0 {
		return nil, nil, nil
	}
	delta := made.Deltas[0]
	if delta.Empty() {
		child.delta = delta
		return child, nil, nil
	}
	var table *catalog.Table
	err := r.savepoint(ctx, func() (err error) {
		table, err = ddl.Execute(ctx, r.tx, delta, r.config.Logger)
		return err
	})
	var refused *pgconn.PgError
	if child == nil && errors.As(err, &refused) && refused.Code == duplicateTable {
		r.warn(fmt.Sprintf("table %s can't be transformed: %s", parent.Name, refused.Message))
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if child == nil {
		child = r.adopt(&target{table: table, habit: habit{allNew: true}})
	}
	table.LastEnd = child.table.LastEnd
	child.table, child.changed, child.delta = table, true, delta
	return child, delta.Steps, nil
}

// familySnapshot returns the tables as a transformed table's plan has to see
// them.
func (r *run) familySnapshot(child *target) *catalog.Snapshot {
	changed := child != nil && r.snapshot.Table(child.table.Name) != child.table
	for _, t := range r.family {
		changed = changed || r.snapshot.Table(t.table.Name) == nil
	}
	if !changed {
		return r.snapshot
	}
	var tables []*catalog.Table
	for t := range r.snapshot.All() {
		if r.family[t.Name] == nil {
			tables = append(tables, t)
		}
	}
	for _, t := range r.family {
		tables = append(tables, t.table)
	}
	return catalog.NewSnapshot(tables...)
}

// plannable returns the events that say what a table has to be like: those with
// all columns, of which each year needs one.
func plannable(events []change.Event) []change.Event {
	var out []change.Event
	years := make(map[int]bool)
	for i := range events {
		if events[i].Op == change.Upsert && !years[year(events[i].Time)] {
			years[year(events[i].Time)] = true
			out = append(out, events[i])
		}
	}
	if out == nil {
		return events[:1]
	}
	return out
}

// warn notes a line for the log, once in a batch.
func (r *run) warn(line string) {
	for _, said := range r.outcome.Warnings {
		if said == line {
			return
		}
	}
	r.outcome.Warnings = append(r.outcome.Warnings, line)
}
