package history

import (
	"slices"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/plan"
)

// Target is the table that the rows of a chunk are written to, as it is after the schema
// changes of the batch. TypeSteps are the changes of its columns' types in the batch.
type Target struct {
	Table     *catalog.Table
	TypeSteps []plan.TypeStep
}

// hasCollatedKey reports whether a key column has a nondeterministic collation.
func (t Target) hasCollatedKey() bool {
	return slices.ContainsFunc(t.Table.Key, func(at int) bool { return t.Table.Columns[at].Collation != "" })
}

// typePhase returns the number of type changes of the table up to an event.
func (t Target) typePhase(event int) int {
	n := 0
	for _, step := range t.TypeSteps {
		if step.Event <= event {
			n++
		}
	}
	return n
}

// keyType returns the type by which the values of a key column are compared. Stored as text, 2 and
// 2.0 are two keys.
func (t Target) keyType(column int, arriving change.Type) change.Type {
	if column != None && t.Table.Columns[column].Type == change.Text {
		return change.Text
	}
	return arriving
}

// keptFields returns the fields of a snapshot row that are kept, because only snapshots have their
// columns. A repeated snapshot would write them, and the next change would remove them.
func (t Target) keptFields(e *change.Event) []int {
	if e.Snapshot == change.Streamed || len(t.Table.Carried) == 0 {
		return nil
	}
	only := t.Table.Carried[e.Origin].SnapshotOnly
	if len(only) == 0 {
		return nil
	}
	var fields []int
	for i, column := range e.Shape.Columns {
		if _, found := slices.BinarySearch(only, column.Name); found && !slices.Contains(e.Shape.Key, i) {
			fields = append(fields, i)
		}
	}
	return fields
}

// typePath returns the types that a value is converted to on its way into a column: its own type,
// the column's type at its event, and the later types of the column in the batch. Adjacent types
// differ.
func (t Target) typePath(column int, own change.Type, event int) []change.Type {
	path := []change.Type{own}
	pass := func(to change.Type) {
		if path[len(path)-1] != to {
			path = append(path, to)
		}
	}
	later := false
	for _, step := range t.TypeSteps {
		if step.Column != column || step.Event <= event {
			continue
		}
		if !later {
			pass(step.From)
			later = true
		}
		pass(step.To)
	}
	pass(t.Table.Columns[column].Type)
	return path
}
