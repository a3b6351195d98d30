package apply

import (
	"context"
	"slices"
	"time"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/plan"
)

// A batch is planned and applied as a whole, unless the columns that identify
// the rows of a table change within it, or how their values are told apart: before
// the change two rows may be current that the new identity does not tell apart, or
// one that it would tell apart, and the table can have one identity at a time. Then
// the batch is applied in segments, one after the other, in the same transaction.

// applySegments applies events in as few segments as go.
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

// planSegment plans the events that can be applied together and returns how many
// they are.
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

// firstPlannedCut returns the number of the first event, of n, that has to begin a
// segment, because of which columns its table's events bring.
func firstPlannedCut(made *plan.Plan, n int) int {
	for i := range made.Deltas {
		for _, cut := range made.Deltas[i].SegmentStarts {
			n = min(n, cut)
		}
	}
	return n
}

// firstIdentityChange returns the number of the first event whose table has events
// with another identity before it; if there is none, the number of events.
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
			continue // as nearly always
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

// firstKeyTypeChange returns the number of the first event, of n, before which the
// column of a key becomes text whose values are equal in more than one form: 2 and
// 2.0 are one key before it, and two after it.
func firstKeyTypeChange(made *plan.Plan, n int) int {
	for i := range made.Deltas {
		d := &made.Deltas[i]
		for _, step := range d.Steps {
			if step.To == change.Text && hasSeveralForms(step.From) && step.Event > 0 && slices.Contains(d.After.Key, step.Column) {
				n = min(n, step.Event)
			}
		}
	}
	return n
}

// hasSeveralForms tells the types with equal values that print differently.
func hasSeveralForms(t change.Type) bool {
	switch t {
	case change.Real, change.Double, change.Numeric, change.Interval, change.JSONB:
		return true
	}
	return false
}

// tableIdentity is what identifies the rows of a table.
type tableIdentity struct {
	table change.Table
	names []string
	// shapes are those that were last looked at, for each operation.
	shapes [change.Delete + 1]*change.Shape
}

// identityColumns returns the names of the columns that identify a row, sorted: their
// order means nothing.
func identityColumns(shape *change.Shape) []string {
	names := make([]string, 0, len(shape.Key))
	for _, at := range shape.Key {
		names = append(names, shape.Columns[at].Name)
	}
	slices.Sort(names)
	return names
}

// applySegment applies the events of the plan, which are r.batch's, and takes
// the tables over as they are then.
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

// finishTable notes what became of a table in a segment.
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

// earlierPositions returns the positions that earlier segments have noted of a table: they are
// stored with the batch.
func (r *batchTx) earlierPositions(name change.Table) []rowPosition {
	at := slices.IndexFunc(r.finishedTables, func(s *tableState) bool { return s.table.Name == name })
	if at < 0 {
		return nil
	}
	return slices.Clip(r.finishedTables[at].positions)
}

// snapshotWithChanges returns the snapshot with the tables that the batch has changed so
// far. Nobody but the batch sees it before the commit.
func (r *batchTx) snapshotWithChanges() *catalog.Snapshot {
	tables := slices.Collect(r.snapshot.All())
	for _, t := range r.finishedTables {
		tables = slices.DeleteFunc(tables, func(old *catalog.Table) bool { return old.Name == t.table.Name })
		tables = append(tables, t.table)
	}
	return catalog.NewSnapshot(tables...)
}
