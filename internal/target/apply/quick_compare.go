package apply

import (
	"bytes"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/target/catalog"
)

// quickCompareColumns are the fields of a chunk's rows that are compared first, because they are
// short and equal only if their bytes are. Nearly each update changes one of them, such as the time
// of the last update; then the other fields need not be compared.
type quickCompareColumns []struct {
	// field is the index in the row, column the index in the table.
	field, column int
}

// findQuickCompare returns the quick compare columns of a chunk. Its rows are stored in the types
// in which they arrive.
func findQuickCompare(c *chunk) quickCompareColumns {
	var t quickCompareColumns
	for i, fd := range c.fields {
		if info := datatype.InfoOf(fd.typePath[0]); info.IsQuickToCompare() && fd.keyIndex == none {
			t = append(t, struct{ field, column int }{i, fd.column})
		}
	}
	return t
}

// columnList lists the columns of a table c, each after a comma.
func (t quickCompareColumns) columnList(table *catalog.Table) string {
	list := ""
	for _, one := range t {
		list += ", c." + table.Columns[one.column].Stored.SQL()
	}
	return list
}

// valuesOf returns the values of a row in these fields, nil for NULL.
func (t quickCompareColumns) valuesOf(row change.Row) [][]byte {
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

// differsFrom reports whether a row differs in these fields from the given values.
func (t quickCompareColumns) differsFrom(row change.Row, values [][]byte) bool {
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
