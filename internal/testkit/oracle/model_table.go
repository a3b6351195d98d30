package oracle

import (
	"slices"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// Table is a target table: its columns, and all versions of all rows in the
// order in which they were made.
type Table struct {
	Columns  []change.Column
	Versions []*Version
}

// Version is one version of a row.
type Version struct {
	Origin change.Origin
	// Values has one value for each of the table's columns.
	Values     []Value
	Start, End change.Micros
	// Confirmed says that a resynchronization has confirmed the version. Confirming are the
	// confirming events, without their rows.
	Confirmed  bool
	Confirming []change.Event
}

// IsCurrent reports whether the version has not ended.
func (v *Version) IsCurrent() bool { return v.End == Forever }

// endAt ends the version, not before it began.
func (v *Version) endAt(at change.Micros) { v.End = max(at, v.Start) }

func (v *Version) confirmBy(e *change.Event) {
	if !e.Confirm {
		return
	}
	v.Confirmed = true
	v.Confirming = append(v.Confirming, change.Event{
		Position: e.Position, Snapshot: e.Snapshot, LSN: e.LSN, CommittedAfter: e.CommittedAfter, Tx: e.Tx, Time: e.Time,
	})
}

// rowKey identifies a row: its origin and the values of some columns.
type rowKey struct {
	origin  change.Origin
	columns []int
	cells   []Value
}

// rowKeyOf returns the key of a row that has the shape's columns.
func (t *Table) rowKeyOf(shape *change.Shape, row change.Row, origin change.Origin) rowKey {
	k := rowKey{origin: origin}
	cells := rowCellsOf(row)
	for _, at := range shape.Key {
		column := shape.Columns[at]
		stored := t.columnIndex(column.Name)
		k.columns = append(k.columns, stored)
		k.cells = append(k.cells, convertValue(cellTextOf(column.Type, cells[at]), column.Type, t.Columns[stored].Type))
	}
	return k
}

// hasKey reports whether a version is one of the row with that key. NULL is NULL.
func (t *Table) hasKey(v *Version, k rowKey) bool {
	for i, column := range k.columns {
		if !sameKeyValue(v.Values[column], k.cells[i], t.Columns[column].Type) {
			return false
		}
	}
	return v.Origin == k.origin
}

// currentVersions returns the current versions with a key: one, or several after the
// table's key columns have changed.
func (t *Table) currentVersions(k rowKey) []*Version {
	var found []*Version
	for _, v := range t.Versions {
		if v.IsCurrent() && t.hasKey(v, k) {
			found = append(found, v)
		}
	}
	return found
}

// lastVersion returns the last of some versions in the order of their starts, nil for an
// empty list. Of several with the same start it is the one made last.
func lastVersion(versions []*Version) *Version {
	var found *Version
	for _, v := range versions {
		if found == nil || v.Start >= found.Start {
			found = v
		}
	}
	return found
}

// columnIndex returns the index of the column with that name, -1 if it is absent.
func (t *Table) columnIndex(name string) int {
	return slices.IndexFunc(t.Columns, func(c change.Column) bool { return c.Name == name })
}

// fitColumns adds missing columns to the table and widens those that are too narrow, by
// docs/spec/02-types.md#schema-changes.
func (t *Table) fitColumns(shape *change.Shape) {
	for _, column := range shape.Columns {
		at := t.columnIndex(column.Name)
		if at < 0 {
			t.Columns = append(t.Columns, column)
			for _, v := range t.Versions {
				v.Values = append(v.Values, Value{})
			}
			continue
		}
		from := t.Columns[at].Type
		to := datatype.Widen(from, column.Type)
		for _, v := range t.Versions {
			v.Values[at] = convertValue(v.Values[at], from, to)
		}
		t.Columns[at].Type = to
	}
}

// rowValues returns the row that results from an event. Unavailable values are those of the
// version before, NULL without one.
func (t *Table) rowValues(e *change.Event, before *Version) []Value {
	values := make([]Value, len(t.Columns))
	for i, cell := range rowCellsOf(e.Row) {
		column := e.Shape.Columns[i]
		at := t.columnIndex(column.Name)
		switch {
		case cell.State != change.Unavailable:
			values[at] = convertValue(cellTextOf(column.Type, cell), column.Type, t.Columns[at].Type)
		case before != nil:
			values[at] = before.Values[at]
		}
	}
	return values
}
