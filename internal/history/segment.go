package history

import (
	"context"
	"slices"
	"time"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/plan"
)

// A batch is planned and applied as a whole, unless the columns that identify
// the rows of a table change within it, or how their values are told apart: before
// the change two rows may be current that the new identity does not tell apart, or
// one that it would tell apart, and the table can have one identity at a time. Then
// the batch is applied in segments, one after the other, in the same transaction.

// applySegments applies events in as few segments as go.
func (r *run) applySegments(ctx context.Context, events []change.Event) error {
	r.snapshot = r.config.Store.Snapshot()
	for len(events) > 0 {
		made, n := r.segment(events)
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
			r.snapshot = r.overlaid()
		}
	}
	return nil
}

// segment plans the events that can be applied together and returns how many
// they are.
func (r *run) segment(events []change.Event) (*plan.Plan, int) {
	began := time.Now()
	defer func() { r.outcome.Took.Plan += time.Since(began) }()
	makePlan := plan.Make
	if r.retried != nil {
		makePlan = plan.MakeRetried
	}
	made := makePlan(r.batch.Source, events, r.snapshot)
	n := min(changeOfIdentity(made, events), changeOfKeyType(made, len(events)), firstCut(made, len(events)))
	if n < len(events) {
		made = makePlan(r.batch.Source, events[:n], r.snapshot)
	}
	return made, n
}

// firstCut returns the number of the first event, of n, that has to begin a
// segment, because of which columns its table's events bring.
func firstCut(made *plan.Plan, n int) int {
	for i := range made.Deltas {
		for _, cut := range made.Deltas[i].Cuts {
			n = min(n, cut)
		}
	}
	return n
}

// changeOfIdentity returns the number of the first event whose table has events
// with another identity before it; if there is none, the number of events.
func changeOfIdentity(made *plan.Plan, events []change.Event) int {
	tables := make(map[change.Table]*identity, len(made.Deltas))
	var last *identity
	for i := range events {
		e := &events[i]
		if e.Op != change.Upsert && e.Op != change.Delete {
			continue
		}
		if last == nil || last.table != e.Table {
			if last = tables[e.Table]; last == nil {
				last = &identity{table: e.Table}
				tables[e.Table] = last
			}
		}
		if last.shapes[e.Op] == e.Shape {
			continue // as nearly always
		}
		if _, refused := made.Refused[i]; refused || made.Remote[i] != "" {
			continue
		}
		names := identityOf(e.Shape)
		if last.names != nil && !slices.Equal(last.names, names) {
			return i
		}
		last.names, last.shapes[e.Op] = names, e.Shape
	}
	return len(events)
}

// changeOfKeyType returns the number of the first event, of n, before which the
// column of a key becomes text whose values are equal in more than one form: 2 and
// 2.0 are one key before it, and two after it.
func changeOfKeyType(made *plan.Plan, n int) int {
	for i := range made.Deltas {
		d := &made.Deltas[i]
		for _, step := range d.Steps {
			if step.To == change.Text && hasForms(step.From) && step.Event > 0 && slices.Contains(d.After.Key, step.Column) {
				n = min(n, step.Event)
			}
		}
	}
	return n
}

// hasForms tells the types with equal values that print differently.
func hasForms(t change.Type) bool {
	switch t {
	case change.Real, change.Double, change.Numeric, change.Interval, change.JSONB:
		return true
	}
	return false
}

// identity is what identifies the rows of a table.
type identity struct {
	table change.Table
	names []string
	// shapes are those that were last looked at, for each operation.
	shapes [change.Delete + 1]*change.Shape
}

// identityOf returns the names of the columns that identify a row, sorted: their
// order means nothing.
func identityOf(shape *change.Shape) []string {
	names := make([]string, 0, len(shape.Key))
	for _, at := range shape.Key {
		names = append(names, shape.Columns[at].Name)
	}
	slices.Sort(names)
	return names
}

// applySegment applies the events of the plan, which are r.batch's, and takes
// the tables over as they are then.
func (r *run) applySegment(ctx context.Context, made *plan.Plan) error {
	r.tables = nil
	r.distribute(made)
	for _, t := range r.tables {
		before := r.outcome
		last := r.lastTime(t)
		if err := r.applyTable(ctx, t); err != nil {
			return &tableError{table: t.table.Name, err: err, apart: fullApart(err, r.home) || isObstacle(err)}
		}
		r.tally(t.table.Name, &before, last)
	}
	r.tables = slices.DeleteFunc(r.tables, func(t *target) bool { return t.refused })
	if err := r.confirmKeyed(ctx); err != nil {
		return err
	}
	for _, t := range r.tables {
		r.settle(t)
	}
	return nil
}

// settle notes what became of a table in a segment.
func (r *run) settle(t *target) {
	at := slices.IndexFunc(r.settled, func(s *target) bool { return s.table.Name == t.table.Name })
	if at < 0 {
		r.settled = append(r.settled, t)
		return
	}
	before := r.settled[at]
	t.changed = t.changed || before.changed
	t.lastEndMoved = t.lastEndMoved || before.lastEndMoved
	r.settled[at] = t
}

// notedBefore returns the positions that earlier segments have noted of a table: they are
// stored with the batch.
func (r *run) notedBefore(name change.Table) []rowPosition {
	at := slices.IndexFunc(r.settled, func(s *target) bool { return s.table.Name == name })
	if at < 0 {
		return nil
	}
	return slices.Clip(r.settled[at].positions)
}

// overlaid returns the snapshot with the tables that the batch has changed so
// far. Nobody but the batch sees it before the commit.
func (r *run) overlaid() *catalog.Snapshot {
	tables := slices.Collect(r.snapshot.All())
	for _, t := range r.settled {
		tables = slices.DeleteFunc(tables, func(old *catalog.Table) bool { return old.Name == t.table.Name })
		tables = append(tables, t.table)
	}
	return catalog.NewSnapshot(tables...)
}
