package jsonmap

import (
	"fmt"
	"slices"
	"sort"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// Shapes are the shapes of a table's rows: Upsert has the key, positions and every used column,
// Delete the key and positions alone.
type Shapes struct {
	Upsert, Delete *change.Shape
	positions      []int
	// columns are the layout's columns in the order of the shape.
	columns []int32
	types   []change.Type
}

// positionType is the type of positions.
const positionType = change.Integer

// Shapes returns the shapes of a table, with the key columns of its parent. The types hold every
// noted row.
func (l *Layout) Shapes(table int, parentKey []change.Column) *Shapes {
	t := &l.tables[table]
	out := &Shapes{}
	var columns []change.Column
	var key []int
	for _, column := range parentKey {
		key = append(key, len(columns))
		columns = append(columns, change.Column{Name: ParentKeyColumn(column.Name), Type: column.Type})
	}
	for i, used := range t.usedPositions {
		if used {
			out.positions = append(out.positions, i)
			key = append(key, len(columns))
			columns = append(columns, change.Column{Name: PositionColumn(l.set.nodes[l.set.nodes[table].positionNodes[i]].target), Type: positionType})
		}
	}
	out.Delete = &change.Shape{Columns: columns[:len(columns):len(columns)], Key: key}
	for i := range t.columns {
		final := t.columns[i].finalType()
		if final == 0 {
			continue
		}
		columns = append(columns, change.Column{Name: t.columns[i].name, Type: final})
		out.columns = append(out.columns, int32(i))
		out.types = append(out.types, final)
	}
	out.Upsert = &change.Shape{Columns: columns, Key: key}
	return out
}

// HasColumnsFor reports whether the table has a column for each position of a row, without which it can't
// have the row.
func (s *Shapes) HasColumnsFor(rows *Rows, table, row int) bool {
	for i, ord := range rows.Positions(table, row) {
		if ord > 0 && !slices.Contains(s.positions, i) {
			return false
		}
	}
	return true
}

// HasAllPositions reports whether a row has exactly the positions for which the table has columns.
func (s *Shapes) HasAllPositions(rows *Rows, table, row int) bool {
	ords := rows.Positions(table, row)
	for i, ord := range ords {
		if (ord > 0) != slices.Contains(s.positions, i) {
			return false
		}
	}
	return true
}

// AppendKey appends the cells of a row's positions.
func (s *Shapes) AppendKey(dst change.Row, rows *Rows, table, row int) change.Row {
	ords := rows.Positions(table, row)
	for _, i := range s.positions {
		if ords[i] == 0 {
			dst = change.AppendNull(dst)
			continue
		}
		position := uint32(ords[i])
		dst = append(dst, 0, 0, 0, 4, byte(position>>24), byte(position>>16), byte(position>>8), byte(position))
	}
	return dst
}

// AppendRow appends the cells of a noted row: positions and values.
func (s *Shapes) AppendRow(dst change.Row, rows *Rows, table, row int) (change.Row, error) {
	dst = s.AppendKey(dst, rows, table, row)
	values := rows.rowScalars(table, row)
	var err error
	for i, column := range s.columns {
		if len(values) == 0 || values[0].column != column {
			dst = change.AppendNull(dst)
			continue
		}
		if dst, err = values[0].appendCell(dst, s.types[i]); err != nil {
			return nil, fmt.Errorf("%.40q as %s: %w", values[0].raw, s.types[i], err)
		}
		values = values[1:]
	}
	return dst, nil
}

// Find returns the row of a document with some positions in a table, false if there is no such row.
func (r *Rows) Find(document, table int, ords []int32) (row int, found bool) {
	from, to := r.RowRange(document, table)
	at, found := sort.Find(to-from, func(i int) int { return slices.Compare(ords, r.Positions(table, from+i)) })
	return from + at, found
}

// TimestampText returns the moment in a column of a row, as the document has it and as PostgreSQL prints
// it in UTC; false if the column has no moment.
func (l *Layout) TimestampText(rows *Rows, table, row int, column string) (written, printed string, found bool) {
	at, known := l.tables[table].byName[column]
	if !known {
		return "", "", false
	}
	for _, s := range rows.rowScalars(table, row) {
		if s.column != at || s.kind != change.Timestamp && s.kind != change.TimestampTZ {
			continue
		}
		cell, err := s.appendCell(nil, s.kind)
		if err != nil {
			return "", "", false
		}
		printed, err = datatype.Format(s.kind, cell.Cell(0))
		return string(s.raw), printed, err == nil
	}
	return "", "", false
}
