package history

import "metadb/internal/change"

// NullsOfRow returns the null pattern of the key in an event's row.
func NullsOfRow(shape *change.Shape, row change.Row) NullPattern {
	var p NullPattern
	for k, at := range shape.Key {
		if row.Cell(at).State != change.Present {
			p |= 1 << k
		}
	}
	return p
}

// nullsOfKey returns the null pattern of a row that has the cells of the key only.
func nullsOfKey(key change.Row) NullPattern {
	var p NullPattern
	for k, cell := range key.Cells() {
		if cell.State != change.Present {
			p |= 1 << k
		}
	}
	return p
}

// NullPattern has one bit for each column of a key, set if the column is NULL.
type NullPattern uint32
