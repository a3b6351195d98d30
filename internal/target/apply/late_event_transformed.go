package apply

import (
	"context"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
	"metadb/internal/target/plan"
)

// insertLateTransformed places the transformed rows of a late event in history: from the event's
// start to its end they are those of its document. Before and after that they do not change.
func (r *batchTx) insertLateTransformed(ctx context.Context, t *tableState, f *history.FoldedChunk, st *sqlgen.Stage, p history.LatePlacement) error {
	set := r.mappings.setOf(t.table)
	if t.table.IsTransformed() || set.IsEmpty() {
		return nil
	}
	d := r.newTransformedUpdate(t, f, set)
	columns := documentColumns(t.table, set)
	var before, after rowSet
	if p.PrecedingVersion != nil {
		found, err := r.fetchDocuments(ctx, t.table.Main, t.table, columns, []int64{p.PrecedingVersion.ID})
		if err != nil {
			return err
		}
		documents := found[p.PrecedingVersion.ID]
		before = rowSet{rows: d.older, document: d.layout.AddDocument(d.older, documents), end: p.Start, keyForm: d.keyForm(documents)}
	}
	if f.Changes[0].Upsert {
		documents, err := r.readStagedDocuments(ctx, st, columns)
		if err != nil {
			return err
		}
		after = rowSet{rows: d.newer, document: d.layout.AddDocument(d.newer, documents), keyForm: d.keyForm(documents)}
	}
	d.diffRowSets(before, after, p.Start)
	for table := range d.childRows {
		events, err := d.childEvents(table)
		if err != nil || len(events) == 0 {
			return err
		}
		if err := d.insertLateEvents(ctx, table, events, p.End); err != nil {
			return fmt.Errorf("place rows of table %s: %w", childName(t.table.Name, set.Targets[table]), err)
		}
	}
	return nil
}

// readStagedDocuments returns the documents of a stage's only change, with unavailable values
// filled in.
func (r *batchTx) readStagedDocuments(ctx context.Context, st *sqlgen.Stage, columns []documentColumn) ([][]byte, error) {
	wanted := listDocuments(columns, func(column int) string { return "s." + sqlgen.StageColumn(column) })
	var documents [][]byte
	err := pgbinary.Query(ctx, r.tx, "SELECT "+sqlgen.TrimComma(wanted)+" FROM "+st.SQL()+" s WHERE s.head", nil, func(row [][]byte) { documents = documentTexts(columns, row) })
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return documents, nil
}

// insertLateEvents places events of a transformed table, which are valid until end.
func (d *transformedUpdate) insertLateEvents(ctx context.Context, table int, events []change.Event, end change.Micros) error {
	child, err := d.prepareChild(ctx, table, selectPlanEvents(events))
	if child == nil || err != nil {
		return err
	}
	sub := d.newChildTx(events)
	sub.retried = make(map[change.Position]*change.RejectedEvent, len(events))
	for i := range events {
		events[i].Position.Offset = int64(i)
		sub.retried[events[i].Position] = &change.RejectedEvent{SupersededAt: &end}
	}
	for i := range events {
		if err := sub.insertLate(ctx, child, history.SplitChunks(child.target(), []int{i}, events)[0]); err != nil {
			return err
		}
	}
	child.delta = plan.Delta{}
	return nil
}
