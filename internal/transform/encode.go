package transform

import (
	"fmt"
	"slices"

	"metadb/internal/change"
)

// Shapes are the shapes of a table's rows: Upsert has the key, positions and
// every column that is used, Delete the key and positions alone.
type Shapes struct {
	Upsert, Delete *change.Shape
	ords           []int
	// columns are the layout's columns in the order of the shape.
	columns []int32
	types   []change.Type
}

// ordType is the type of positions.
const ordType = change.Integer

// Shapes returns the shapes of a table whose parent is identified by the given
// columns. The types are those that every noted row fits in.
func (l *Layout) Shapes(table int, parentKey []change.Column) *Shapes {
	t := &l.tables[table]
	out := &Shapes{}
	var columns []change.Column
	var key []int
	for _, column := range parentKey {
		key = append(key, len(columns))
		columns = append(columns, change.Column{Name: RootColumn(column.Name), Type: column.Type})
	}
	for i, used := range t.ords {
		if used {
			out.ords = append(out.ords, i)
			key = append(key, len(columns))
			columns = append(columns, change.Column{Name: OrdColumn(l.set.nodes[l.set.nodes[table].ords[i]].target), Type: ordType})
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

// Holds reports whether the table has a column for each position of a row: if it
// has not, it can't have the row.
func (s *Shapes) Holds(rows *Rows, table, row int) bool {
	for i, ord := range rows.Ords(table, row) {
		if ord > 0 && !slices.Contains(s.ords, i) {
			return false
		}
	}
	return true
}

// AppendKey appends the cells of a row's positions.
func (s *Shapes) AppendKey(dst change.Row, rows *Rows, table, row int) change.Row {
	ords := rows.Ords(table, row)
	for _, i := range s.ords {
		if ords[i] == 0 {
			dst = change.AppendNull(dst)
			continue
		}
		position := uint32(ords[i])
		dst = append(dst, 0, 0, 0, 4, byte(position>>24), byte(position>>16), byte(position>>8), byte(position))
	}
	return dst
}

// AppendRow appends the cells of a row that has been noted: positions and values.
func (s *Shapes) AppendRow(dst change.Row, rows *Rows, table, row int) (change.Row, error) {
	dst = s.AppendKey(dst, rows, table, row)
	values := rows.scalars(table, row)
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

// Text returns what a value of the column says, and whether it is a moment of
// the given type: for columns of moments that become text. Found is false where
// the row has no value there.
func (l *Layout) Text(rows *Rows, table, row int, column string) (text string, kind change.Type, found bool) {
	at, known := l.tables[table].byName[column]
	if !known {
		return "", 0, false
	}
	values := rows.scalars(table, row)
	for i := range values {
		if values[i].column == at {
			return string(values[i].appendText(nil)), values[i].kind, true
		}
	}
	return "", 0, false
}
