package apply

import (
	"context"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/target/history"
	"metadb/internal/target/plan"
)

// writePiece writes the differences of the piece, table by table.
func (d *transformedUpdate) writePiece(ctx context.Context) error {
	for table := range d.childRows {
		if err := d.replaceTransformed(ctx, table); err != nil {
			return err
		}
		if len(d.childRows[table]) == 0 {
			continue
		}
		events, err := d.childEvents(table)
		if err != nil {
			return err
		}
		if err := d.applyChildEvents(ctx, table, events); err != nil {
			return err
		}
	}
	for _, text := range d.layout.TakeWarnings() {
		d.warnOnce(fmt.Sprintf("table %s: %s", d.parent.table.Name, text))
	}
	return nil
}

// eventBlockBytes is the size of the memory blocks for the rows of events.
const eventBlockBytes = 128 << 10

// childEvents returns the events of a transformed table.
func (d *transformedUpdate) childEvents(table int) ([]change.Event, error) {
	name := childName(d.parent.table.Name, d.set.Targets[table])
	shapes := d.layout.Shapes(table, d.folded.Chunk.KeyColumns)
	events := make([]change.Event, 0, len(d.childRows[table]))
	var buffer change.Row
	for i := range d.childRows[table] {
		row := &d.childRows[table][i]
		head := &d.batch.Events[d.folded.Changes[row.parentChange].Event]
		e := change.Event{Op: change.Delete, Table: name, Origin: head.Origin, Source: d.parent.table.Name, Time: row.at, Shape: shapes.Delete}
		if !row.upsert && !shapes.HasColumnsFor(row.from, table, row.row) {
			continue
		}
		if cap(buffer)-len(buffer) < eventBlockBytes/32 {
			buffer = make(change.Row, 0, eventBlockBytes)
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

// applyChildEvents applies events of a transformed table, after it has created or altered the
// table.
func (d *transformedUpdate) applyChildEvents(ctx context.Context, table int, events []change.Event) error {
	if len(events) == 0 {
		return nil
	}
	child, err := d.prepareChild(ctx, table, selectPlanEvents(events))
	if child == nil || err != nil {
		return err
	}
	child.events = child.events[:0]
	for i := range events {
		child.events = append(child.events, i)
	}
	sub := d.newChildTx(events)
	for _, c := range history.SplitChunks(child.target(), child.events, events) {
		if err := sub.writeChunk(ctx, child, c); err != nil {
			return fmt.Errorf("apply to %s: %w", child.table.Name, err)
		}
	}
	d.addChildOutcome(sub)
	child.delta, child.events = plan.Delta{}, nil
	return nil
}

// newChildTx returns a batchTx for a transformed table, with an outcome of its own.
func (r *batchTx) newChildTx(events []change.Event) *batchTx {
	return &batchTx{Applier: r.Applier, tx: r.tx, batch: &change.Batch{Source: r.batch.Source, Events: events}, snapshot: r.snapshot}
}

// addChildOutcome adds the outcome in a transformed table to that of the batch.
func (r *batchTx) addChildOutcome(sub *batchTx) {
	r.childOutcome.Written += sub.outcome.Written
	r.childOutcome.Ended += sub.outcome.Ended
	for _, warning := range sub.outcome.Warnings {
		r.warnOnce(warning)
	}
}

// warnOnce adds a warning to the outcome, once in a batch.
func (r *batchTx) warnOnce(line string) {
	for _, said := range r.outcome.Warnings {
		if said == line {
			return
		}
	}
	r.outcome.Warnings = append(r.outcome.Warnings, line)
}
