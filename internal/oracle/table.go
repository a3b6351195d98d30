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

// Current reports whether the version has not ended.
func (v *Version) Current() bool { return v.End == Forever }

// end ends the version, not before it began.
func (v *Version) end(at change.Micros) { v.End = max(at, v.Start) }

func (v *Version) confirm(e *change.Event) {
	if !e.Confirm {
		return
	}
	v.Confirmed = true
	v.Confirming = append(v.Confirming, change.Event{
		Position: e.Position, Snapshot: e.Snapshot, LSN: e.LSN, CommittedAfter: e.CommittedAfter, Tx: e.Tx, Time: e.Time,
	})
}

// key identifies a row: its origin and the values of some columns.
type key struct {
	origin  change.Origin
	columns []int
	cells   []Value
}

// keyOf returns the key of a row that has the shape's columns.
func (t *Table) keyOf(shape *change.Shape, row change.Row, origin change.Origin) key {
	k := key{origin: origin}
	cells := cellsOf(row)
	for _, at := range shape.Key {
		column := shape.Columns[at]
		stored := t.column(column.Name)
		k.columns = append(k.columns, stored)
		k.cells = append(k.cells, convert(textOf(column.Type, cells[at]), column.Type, t.Columns[stored].Type))
	}
	return k
}

// has reports whether a version is one of the row with that key. NULL is NULL.
func (t *Table) has(v *Version, k key) bool {
	for i, column := range k.columns {
		if !sameKeyValue(v.Values[column], k.cells[i], t.Columns[column].Type) {
			return false
		}
	}
	return v.Origin == k.origin
}

// current returns the current versions with a key: one, or several after the
// table's key columns have changed.
func (t *Table) current(k key) []*Version {
	var found []*Version
	for _, v := range t.Versions {
		if v.Current() && t.has(v, k) {
			found = append(found, v)
		}
	}
	return found
}

// last returns the last of some versions in the order of their starts, nil for an
// empty list. Of several with the same start it is the one made last.
func last(versions []*Version) *Version {
	var found *Version
	for _, v := range versions {
		if found == nil || v.Start >= found.Start {
			found = v
		}
	}
	return found
}

// column returns the index of the column with that name, -1 if it is absent.
func (t *Table) column(name string) int {
	return slices.IndexFunc(t.Columns, func(c change.Column) bool { return c.Name == name })
}

// fit adds missing columns to the table and widens those that are too narrow, by
// docs/spec/02-types.md#schema-changes.
func (t *Table) fit(shape *change.Shape) {
	for _, column := range shape.Columns {
		at := t.column(column.Name)
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
			v.Values[at] = convert(v.Values[at], from, to)
		}
		t.Columns[at].Type = to
	}
}

// values returns the row that results from an event. Unavailable values are those of the
// version before, NULL without one.
func (t *Table) values(e *change.Event, before *Version) []Value {
	values := make([]Value, len(t.Columns))
	for i, cell := range cellsOf(e.Row) {
		column := e.Shape.Columns[i]
		at := t.column(column.Name)
		switch {
		case cell.State != change.Unavailable:
			values[at] = convert(textOf(column.Type, cell), column.Type, t.Columns[at].Type)
		case before != nil:
			values[at] = before.Values[at]
		}
	}
	return values
}
