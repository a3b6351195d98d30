package apply

import (
	"context"
	"slices"
	"time"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
	"metadb/internal/target/plan"
)

// A batch is planned and applied as a whole, with one exception: the columns that identify the rows
// of a table, or the equality of their values, change within the batch. A table has one identity at
// a time, and rows that are distinct under the old identity may be equal under the new one, or the
// reverse. Such a batch is applied in segments, one after the other, in the same transaction.

// applySegments applies the events in as few segments as possible.
func (r *batchTx) applySegments(ctx context.Context, events []change.Event) error {
	r.snapshot = r.config.Store.Snapshot()
	for len(events) > 0 {
		made, n := r.planSegment(events)
		r.outcome.Warnings = append(r.outcome.Warnings, made.Warnings...)
		r.outcome.Refusals = append(r.outcome.Refusals, made.Refusals...)
		r.batch = &change.Batch{Source: r.batch.Source, Events: events[:n]}
		if err := r.applySegment(ctx, made); err != nil {
			return err
		}
		if err := r.storeTruncations(ctx, r.batch.Events); err != nil {
			return err
		}
		if events = events[n:]; len(events) > 0 {
			r.snapshot = r.snapshotWithChanges()
		}
	}
	return nil
}

// planSegment returns the plan of the longest prefix of events that can be applied together, and
// the length of that prefix.
func (r *batchTx) planSegment(events []change.Event) (*plan.Plan, int) {
	began := time.Now()
	defer func() { r.outcome.Timings.Plan += time.Since(began) }()
	makePlan := plan.Make
	if r.retried != nil {
		makePlan = plan.MakeRetried
	}
	made := makePlan(r.batch.Source, events, r.snapshot)
	n := history.SegmentLength(made, events)
	if n < len(events) {
		made = makePlan(r.batch.Source, events[:n], r.snapshot)
	}
	return made, n
}

// applySegment applies the plan to the events of r.batch, and records the resulting state of the
// tables.
func (r *batchTx) applySegment(ctx context.Context, made *plan.Plan) error {
	r.tables = nil
	r.distributeEvents(made)
	for _, t := range r.tables {
		before := r.outcome
		last := r.lastEventTime(t)
		if err := r.applyTable(ctx, t); err != nil {
			return &tableError{table: t.table.Name, err: err, tableOnly: isOtherTablespaceFull(err, r.defaultTablespace) || isTableFault(err)}
		}
		r.addTableStats(t.table.Name, &before, last)
	}
	r.tables = slices.DeleteFunc(r.tables, func(t *tableState) bool { return t.refused })
	if err := r.confirmRejectedKeys(ctx); err != nil {
		return err
	}
	for _, t := range r.tables {
		r.finishTable(t)
	}
	return nil
}

// finishTable adds the state of a table after a segment to finishedTables.
func (r *batchTx) finishTable(t *tableState) {
	at := slices.IndexFunc(r.finishedTables, func(s *tableState) bool { return s.table.Name == t.table.Name })
	if at < 0 {
		r.finishedTables = append(r.finishedTables, t)
		return
	}
	before := r.finishedTables[at]
	t.changed = t.changed || before.changed
	t.lastEndChanged = t.lastEndChanged || before.lastEndChanged
	r.finishedTables[at] = t
}

// earlierPositions returns the positions of a table's changes in earlier segments. They are stored
// at the end of the batch.
func (r *batchTx) earlierPositions(name change.Table) []history.RowPosition {
	at := slices.IndexFunc(r.finishedTables, func(s *tableState) bool { return s.table.Name == name })
	if at < 0 {
		return nil
	}
	return slices.Clip(r.finishedTables[at].positions)
}

// snapshotWithChanges returns the snapshot with the tables that the batch has changed so far. Other
// sessions see these tables only after the commit.
func (r *batchTx) snapshotWithChanges() *catalog.Snapshot {
	tables := slices.Collect(r.snapshot.All())
	for _, t := range r.finishedTables {
		tables = slices.DeleteFunc(tables, func(old *catalog.Table) bool { return old.Name == t.table.Name })
		tables = append(tables, t.table)
	}
	return catalog.NewSnapshot(tables...)
}
