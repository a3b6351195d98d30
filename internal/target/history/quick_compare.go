package history

import (
	"bytes"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// QuickCompareColumns are the fields of a chunk's rows that are compared first, because they are
// short and equal only if their bytes are. Nearly each update changes one of them, such as the time
// of the last update; then the other fields need not be compared.
type QuickCompareColumns []quickCompareColumn

// quickCompareColumn is one of them: field is its index in the row, column the index in the table.
type quickCompareColumn struct{ field, Column int }

// FindQuickCompare returns the quick compare columns of a chunk. Its rows are stored in the types
// in which they arrive.
func FindQuickCompare(c *Chunk) QuickCompareColumns {
	var t QuickCompareColumns
	for i, fd := range c.Fields {
		if info := datatype.InfoOf(fd.TypePath[0]); info.IsQuickToCompare() && fd.KeyIndex == None {
			t = append(t, quickCompareColumn{field: i, Column: fd.Column})
		}
	}
	return t
}

// valuesOf returns the values of a row in these fields, nil for NULL.
func (t QuickCompareColumns) valuesOf(row change.Row) [][]byte {
	values := make([][]byte, len(t))
	at := 0
	for n, one := range t {
		var cell change.Cell
		for ; at <= one.field; at++ {
			cell, row = row.Next()
		}
		values[n] = cell.Bytes
	}
	return values
}

// DiffersFrom reports whether a row differs in these fields from the given values.
func (t QuickCompareColumns) DiffersFrom(row change.Row, values [][]byte) bool {
	at := 0
	for n, one := range t {
		var cell change.Cell
		for ; at <= one.field; at++ {
			cell, row = row.Next()
		}
		if (values[n] == nil) != (cell.State == change.Null) || !bytes.Equal(values[n], cell.Bytes) {
			return true
		}
	}
	return false
}
