package history

import (
	"context"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/plan"
)

// write writes what is to be done with the piece, table by table.
func (d *descent) write(ctx context.Context) error {
	for table := range d.rows {
		if err := d.writeSwaps(ctx, table); err != nil {
			return err
		}
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
		head := &d.batch.Events[d.folded.items[row.item].event]
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
	child, err := d.fit(ctx, table, plannable(events))
	if child == nil || err != nil {
		return err
	}
	child.events = child.events[:0]
	for i := range events {
		child.events = append(child.events, i)
	}
	sub := d.sub(events)
	for _, c := range cut(child, events) {
		if err := sub.writeChunk(ctx, child, c); err != nil {
			return fmt.Errorf("apply to %s: %w", child.table.Name, err)
		}
	}
	d.account(sub)
	child.delta, child.events = plan.Delta{}, nil
	return nil
}

// sub returns a run for a transformed table, whose outcome is not the parent's.
func (r *run) sub(events []change.Event) *run {
	return &run{Applier: r.Applier, tx: r.tx, batch: &change.Batch{Source: r.batch.Source, Events: events}, snapshot: r.snapshot}
}

// account takes over what a run did to a transformed table.
func (r *run) account(sub *run) {
	r.transformed.Written += sub.outcome.Written
	r.transformed.Ended += sub.outcome.Ended
	for _, warning := range sub.outcome.Warnings {
		r.warn(warning)
	}
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
