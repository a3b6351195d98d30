package history

import (
	"bytes"

	"metadb/internal/catalog"
	"metadb/internal/change"
)

// telling are fields of a chunk's rows that are looked at first, because they are
// short and equal only if they are the same: nearly every update changes one of
// them, such as the time of the last update, and then the rest need not be
// compared.
type telling []struct {
	// field is the index in the row, column in the table.
	field, column int
}

// tellingFields returns the telling fields of a chunk whose rows are stored in the
// types in which they arrive.
func tellingFields(c *chunk) telling {
	var t telling
	for i, fd := range c.fields {
		switch fd.path[0] {
		case change.Boolean, change.SmallInt, change.Integer, change.BigInt, change.Date, change.Time, change.Timestamp, change.TimestampTZ, change.UUID:
			if fd.key == none {
				t = append(t, struct{ field, column int }{i, fd.column})
			}
		}
	}
	return t
}

// list lists the columns of a table c, each after a comma.
func (t telling) list(table *catalog.Table) string {
	list := ""
	for _, one := range t {
		list += ", c." + table.Columns[one.column].Stored.SQL()
	}
	return list
}

// values returns what a row has in the telling fields, nil for NULL.
func (t telling) values(row change.Row) [][]byte {
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

// differ reports whether a row has other values than these in the telling fields.
func (t telling) differ(row change.Row, values [][]byte) bool {
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
