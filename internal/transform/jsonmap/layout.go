package jsonmap

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/ident"
)

// maxColumns is the highest number of columns that a transformed table gets from documents:
// PostgreSQL's 1600 less a margin for the metadata columns and the key.
const maxColumns = 1500

// Layout has the columns of the tables of a set, and assigns fields to them. It grows with the
// documents that are added. It is not safe for concurrent use.
type Layout struct {
	set    *MappingSet
	tables []layoutTable
	// fields finds the column of a field by its name, for each pair of a table and the node of the
	// field's object: see field.
	fields []map[string]int32
	// leftOut counts the values that did not fit, for each target.
	leftOut map[string]int
	walker  documentWalker
}

// layoutTable is one table of a layout.
type layoutTable struct {
	columns []layoutColumn
	byName  map[string]int32
	// usedPositions marks those of the node's positions for which the table has columns, or gets them for
	// noted rows.
	usedPositions []bool
}

// layoutColumn is one column that comes from documents.
type layoutColumn struct {
	name string
	// stored is the column's type in the database, zero if the database lacks the column.
	stored change.Type
	// seenTypes has a bit for each type among the noted values, see [Layout.NoteRow].
	seenTypes uint32
	// hasOtherText means that a value was noted that is not the text of a canonical UUID.
	hasOtherText bool
}

// none is the index of a missing column or row.
const none = -1

// NewLayout returns the layout of a set and the columns of its tables: stored returns those of a
// target's table, nil if the table does not exist.
func NewLayout(set *MappingSet, stored func(target string) []change.Column) *Layout {
	l := &Layout{
		set: set, tables: make([]layoutTable, len(set.nodes)),
		fields: make([]map[string]int32, len(set.nodes)*len(set.nodes)), leftOut: make(map[string]int),
	}
	for i := range l.tables {
		n := &set.nodes[i]
		t := layoutTable{byName: make(map[string]int32), usedPositions: make([]bool, len(n.positionNodes))}
		for _, column := range stored(n.target) {
			at := slices.IndexFunc(n.positionNodes, func(ord int) bool { return PositionColumn(set.nodes[ord].target) == column.Name })
			switch {
			case at >= 0:
				t.usedPositions[at] = true
			case IsKeyColumn(column.Name):
			default:
				t.byName[column.Name] = int32(len(t.columns))
				t.columns = append(t.columns, layoutColumn{name: column.Name, stored: column.Type})
			}
		}
		l.tables[i] = t
	}
	return l
}

// Set returns the set of the layout.
func (l *Layout) Set() *MappingSet { return l.set }

// ensureColumn returns the index of a table's column, which it adds if necessary; a full table gives the
// index of a missing column.
func (l *Layout) ensureColumn(table int, name string) int32 {
	t := &l.tables[table]
	if at, known := t.byName[name]; known {
		return at
	}
	if len(t.columns) >= maxColumns {
		l.leftOut[l.set.Targets[table]]++
		return none
	}
	at := int32(len(t.columns))
	t.byName[name] = at
	t.columns = append(t.columns, layoutColumn{name: name})
	return at
}

// fieldColumn returns the column of a field, in an object at a node, that belongs to a row of a table.
func (l *Layout) fieldColumn(table, node int, name []byte) int32 {
	fields := &l.fields[table*len(l.set.nodes)+node]
	if at, known := (*fields)[string(name)]; known {
		return at
	}
	if *fields == nil {
		*fields = make(map[string]int32)
	}
	at := l.ensureColumn(table, l.columnName(table, node, string(name)))
	(*fields)[string(name)] = at
	return at
}

// columnName returns the column's name for a field.
func (l *Layout) columnName(table, node int, field string) string {
	name := ColumnName(field)
	if name == "" || IsKeyColumn(name) {
		name = suffixedName(strings.TrimLeft(name, "_"), l.set.nodes[node].path+"."+field)
	}
	if node != table {
		return l.set.nodes[node].target + "__" + name
	}
	if ident.IsSystem(ident.Name(name)) {
		return suffixedName(name, l.set.nodes[node].path+"."+field)
	}
	return name
}

// TakeWarnings returns texts about the values that have been left out since the last call.
func (l *Layout) TakeWarnings() []string {
	var texts []string
	for _, target := range slices.Sorted(maps.Keys(l.leftOut)) {
		texts = append(texts, fmt.Sprintf("mapping to %s: values were left out, since a table gets at most %d columns from documents, and a row has to fit into 8 kB",
			target, maxColumns))
	}
	clear(l.leftOut)
	return texts
}

// NoteRow records the types and positions of a row that will be written: its table's columns have to
// hold them.
func (l *Layout) NoteRow(rows *Rows, table, row int) {
	t := &l.tables[table]
	values := rows.rowScalars(table, row)
	for i := range values {
		s := &values[i]
		c := &t.columns[s.column]
		c.seenTypes |= 1 << s.kind
		if c.stored == change.UUID && !c.hasOtherText {
			c.hasOtherText = s.kind != change.Text || s.escaped || !datatype.CanonicalUUID(s.raw)
		}
	}
	for i, ord := range rows.Positions(table, row) {
		if ord > 0 {
			t.usedPositions[i] = true
		}
	}
}

// ResetNotes drops the types of the noted rows: the tables have them by now, or will never get them.
// Noted positions stay.
func (l *Layout) ResetNotes() {
	for i := range l.tables {
		for k := range l.tables[i].columns {
			c := &l.tables[i].columns[k]
			c.seenTypes, c.hasOtherText = 0, false
		}
	}
}

// finalType returns the type that a column needs, zero if it is not needed yet.
func (c *layoutColumn) finalType() change.Type {
	final := c.stored
	if final == change.UUID && !c.hasOtherText {
		return final
	}
	for t := change.Type(1); int(t) < change.TypeCount; t++ {
		switch {
		case c.seenTypes&(1<<t) == 0:
		case final == 0:
			final = t
		default:
			final = datatype.Widen(final, t)
		}
	}
	return final
}
