package history

import (
	"context"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/plan"
)

// placeTransformed gives the transformed rows of a retried event their places in
// history: from the event's beginning to its end they are those of its document,
// before and after that everything stays as it is.
func (r *run) placeTransformed(ctx context.Context, t *target, f *folded, st *stage, p placing) error {
	set := r.mappings.set(t.table)
	if t.table.IsTransformed() || set.Empty() {
		return nil
	}
	d := r.newDescent(t, f, set)
	columns := documentColumns(t.table, set)
	var before, after holding
	if p.before != nil {
		found, err := r.fetch(ctx, t.table.Main, t.table, columns, []int64{p.before.id})
		if err != nil {
			return err
		}
		documents := found[p.before.id]
		before = holding{rows: d.older, document: d.layout.Add(d.older, documents), end: p.start, key: d.keyForm(documents)}
	}
	if f.items[0].upsert {
		documents, err := r.staged(ctx, st, columns)
		if err != nil {
			return err
		}
		after = holding{rows: d.newer, document: d.layout.Add(d.newer, documents), key: d.keyForm(documents)}
	}
	d.step(before, after, p.start)
	for table := range d.rows {
		events, err := d.events(table)
		if err != nil || len(events) == 0 {
			return err
		}
		if err := d.placeEvents(ctx, table, events, p.end); err != nil {
			return fmt.Errorf("place rows of table %s: %w", childName(t.table.Name, set.Targets[table]), err)
		}
	}
	return nil
}

// staged returns the documents of a stage's only item, whose values have been
// found.
func (r *run) staged(ctx context.Context, st *stage, columns []documentColumn) ([][]byte, error) {
	wanted := listDocuments(columns, func(column int) string { return "s." + stageColumn(column) })
	var documents [][]byte
	err := r.read(ctx, "SELECT "+trimComma(wanted)+" FROM "+st.SQL()+" s WHERE s.head", nil, func(row [][]byte) { documents = texts(columns, row) })
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return documents, nil
}

// placeEvents places events of a transformed table, which hold until end.
func (d *descent) placeEvents(ctx context.Context, table int, events []change.Event, end change.Micros) error {
	child, err := d.fit(ctx, table, plannable(events))
	if child == nil || err != nil {
		return err
	}
	sub := d.sub(events)
	sub.retried = make(map[change.Position]*change.Rejected, len(events))
	for i := range events {
		events[i].Position.Offset = int64(i)
		sub.retried[events[i].Position] = &change.Rejected{Later: &end}
	}
	for i := range events {
		single := *child
		single.events = []int{i}
		if err := sub.place(ctx, child, cut(&single, events)[0]); err != nil {
			return err
		}
	}
	child.delta = plan.Delta{}
	return nil
}
