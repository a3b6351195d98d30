package history

import (
	"slices"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/target/plan"
)

// SegmentLength returns the length of the longest prefix of planned events that can be applied
// together.
func SegmentLength(made *plan.Plan, events []change.Event) int {
	return min(firstIdentityChange(made, events), firstKeyTypeChange(made, len(events)), firstPlannedCut(made, len(events)))
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
