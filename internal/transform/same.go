package transform

import (
	"bytes"

	"metadb/internal/change"
)

// Same reports whether two rows of a table have the same values as they are
// stored, however they are written: 10 and 1e1 are one number, and 10 and "10" one
// value of a column that is text. The encoding of a value is canonical, so that
// equal bytes are an equal image in PostgreSQL, and others are not.
func (s *Shapes) Same(older *Rows, o int, newer *Rows, n, table int) bool {
	if older.bare || newer.bare {
		return false
	}
	a, b := older.scalars(table, o), newer.scalars(table, n)
	if len(a) != len(b) {
		return false
	}
	at := 0
	for i := range a {
		if a[i].column != b[i].column {
			return false
		}
		if a[i].same(&b[i]) {
			continue
		}
		for at < len(s.columns) && s.columns[at] < a[i].column {
			at++
		}
		if at == len(s.columns) || s.columns[at] != a[i].column || !sameStored(&a[i], &b[i], s.types[at]) {
			return false
		}
	}
	return true
}

func sameStored(a, b *scalar, to change.Type) bool {
	x, err := a.appendCell(nil, to)
	if err != nil {
		return false
	}
	y, err := b.appendCell(nil, to)
	return err == nil && bytes.Equal(x, y)
}
