package jsonmap

import (
	"bytes"

	"metadb/internal/change"
)

// Keep copies the parts of a row in older that a later comparison needs once its document is gone,
// and returns the number of the copy: its positions and, if row n of newer has values in the same
// columns, the values with another notation there.
func (r *Rows) Keep(older *Rows, table, o int, newer *Rows, n int) int {
	t := &r.tables[table]
	r.differing = r.differing[:0]
	if n != none && !older.positionsOnly && !newer.positionsOnly {
		r.collectDiffering(older.rowScalars(table, o), newer.rowScalars(table, n))
	}
	r.addRow(table, older.Positions(table, o), r.differing)
	return len(t.ends) - 1
}

// collectDiffering collects copies of the values with another notation; it collects no value if the columns
// differ.
func (r *Rows) collectDiffering(a, b []scalar) {
	if len(a) != len(b) {
		return
	}
	for i := range a {
		if a[i].column != b[i].column {
			r.differing = r.differing[:0]
			return
		}
		if !a[i].isWrittenAlike(&b[i]) {
			value := a[i]
			value.raw = r.copyText(value.raw)
			r.differing = append(r.differing, value)
		}
	}
}

// textBlock is the size of a block for copies of values, in bytes.
const textBlock = 16 << 10

// copyText returns a copy of a text that is valid until Reset.
func (r *Rows) copyText(text []byte) []byte {
	if cap(r.block)-len(r.block) < len(text) {
		r.block = make([]byte, 0, max(textBlock, len(text)))
		r.size += cap(r.block)
	}
	begin := len(r.block)
	r.block = append(r.block, text...)
	return r.block[begin:len(r.block):len(r.block)]
}

// Differs reports whether the two documents have different jsonb values in the row; another notation
// of a value does not count.
func (c Change) Differs(older, newer *Rows) bool {
	if c.Old == none || c.New == none {
		return true
	}
	a, b := older.rowScalars(c.Table, c.Old), newer.rowScalars(c.Table, c.New)
	if len(a) != len(b) {
		return true
	}
	for i := range a {
		if a[i].column != b[i].column || !a[i].isWrittenAlike(&b[i]) && !isSameJSON(&a[i], &b[i]) {
			return true
		}
	}
	return false
}

// isSameJSON reports whether two scalars are the same value in jsonb.
func isSameJSON(a, b *scalar) bool {
	if a.isText() != b.isText() {
		return false
	}
	if a.isText() {
		return bytes.Equal(a.appendText(nil), b.appendText(nil))
	}
	return a.kind == b.kind && isSameStored(a, b, a.kind)
}

// IsSameStored reports whether a kept row has the same stored values as the row of newer that Keep compared
// it with: 10 and 1e1 are one number, and 10 and "10" one value of a text column. The encoding of a
// value is canonical, so that the bytes are equal exactly if PostgreSQL's images are. It is false
// if Keep found other columns or no difference.
func (s *Shapes) IsSameStored(kept *Rows, o int, newer *Rows, n, table int) bool {
	differing, values := kept.rowScalars(table, o), newer.rowScalars(table, n)
	if len(differing) == 0 {
		return false
	}
	column, value := 0, 0
	for i := range differing {
		for values[value].column != differing[i].column {
			value++
		}
		for column < len(s.columns) && s.columns[column] < differing[i].column {
			column++
		}
		if column == len(s.columns) || s.columns[column] != differing[i].column || !isSameStored(&differing[i], &values[value], s.types[column]) {
			return false
		}
	}
	return true
}

func isSameStored(a, b *scalar, to change.Type) bool {
	x, err := a.appendCell(nil, to)
	if err != nil {
		return false
	}
	y, err := b.appendCell(nil, to)
	return err == nil && bytes.Equal(x, y)
}
