package apply

import (
	"context"
	"slices"
	"time"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/target/catalog"
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
	n := min(firstIdentityChange(made, events), firstKeyTypeChange(made, len(events)), firstPlannedCut(made, len(events)))
	if n < len(events) {
		made = makePlan(r.batch.Source, events[:n], r.snapshot)
	}
	return made, n
}

// firstPlannedCut returns the index of the first of n events that must begin a segment because of
// the columns that its table's events have, or n.
func firstPlannedCut(made *plan.Plan, n int) int {
	for i := range made.Deltas {
		for _, cut := range made.Deltas[i].SegmentStarts {
			n = min(n, cut)
		}
	}
	return n
}

// firstIdentityChange returns the index of the first event with another identity than the earlier
// events of its table, or the number of events.
func firstIdentityChange(made *plan.Plan, events []change.Event) int {
	tables := make(map[change.Table]*tableIdentity, len(made.Deltas))
	var last *tableIdentity
	for i := range events {
		e := &events[i]
		if e.Op != change.Upsert && e.Op != change.Delete {
			continue
		}
		if last == nil || last.table != e.Table {
			if last = tables[e.Table]; last == nil {
				last = &tableIdentity{table: e.Table}
				tables[e.Table] = last
			}
		}
		if last.shapes[e.Op] == e.Shape {
			continue // the usual case
		}
		if _, refused := made.Refused[i]; refused || made.FarPastTimes[i] != "" {
			continue
		}
		names := identityColumns(e.Shape)
		if last.names != nil && !slices.Equal(last.names, names) {
			return i
		}
		last.names, last.shapes[e.Op] = names, e.Shape
	}
	return len(events)
}

// firstKeyTypeChange returns the index of the first of n events at which a key column becomes text,
// from a type with several forms of equal values: 2 and 2.0 are one key before it and two keys
// after it.
func firstKeyTypeChange(made *plan.Plan, n int) int {
	for i := range made.Deltas {
		d := &made.Deltas[i]
		for _, step := range d.Steps {
			if step.To == change.Text && datatype.InfoOf(step.From).HasSeveralForms() && step.Event > 0 && slices.Contains(d.After.Key, step.Column) {
				n = min(n, step.Event)
			}
		}
	}
	return n
}

// tableIdentity contains the columns that identify the rows of a table.
type tableIdentity struct {
	table change.Table
	names []string
	// shapes are the last checked shapes by operation. They save the comparison of names.
	shapes [change.Delete + 1]*change.Shape
}

// identityColumns returns the names of the columns that identify a row, sorted, because their order
// has no meaning.
func identityColumns(shape *change.Shape) []string {
	names := make([]string, 0, len(shape.Key))
	for _, at := range shape.Key {
		names = append(names, shape.Columns[at].Name)
	}
	slices.Sort(names)
	return names
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
func (r *batchTx) earlierPositions(name change.Table) []rowPosition {
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
