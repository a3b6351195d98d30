package transform

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
	if n != none && !older.bare && !newer.bare {
		r.differ(older.scalars(table, o), newer.scalars(table, n))
	}
	r.add(table, older.Ords(table, o), r.differing)
	return len(t.ends) - 1
}

// differ collects copies of the values with another notation; it collects no value if the columns
// differ.
func (r *Rows) differ(a, b []scalar) {
	if len(a) != len(b) {
		return
	}
	for i := range a {
		if a[i].column != b[i].column {
			r.differing = r.differing[:0]
			return
		}
		if !a[i].same(&b[i]) {
			value := a[i]
			value.raw = r.copied(value.raw)
			r.differing = append(r.differing, value)
		}
	}
}

// textBlock is the size of a block for copies of values, in bytes.
const textBlock = 16 << 10

// copied returns a copy of a text that is valid until Reset.
func (r *Rows) copied(text []byte) []byte {
	if cap(r.block)-len(r.block) < len(text) {
		r.block = make([]byte, 0, max(textBlock, len(text)))
		r.size += cap(r.block)
	}
	begin := len(r.block)
	r.block = append(r.block, text...)
	return r.block[begin:len(r.block):len(r.block)]
}

// Differ reports whether the two documents have different jsonb values in the row; another notation
// of a value does not count.
func (c Change) Differ(older, newer *Rows) bool {
	if c.Old == none || c.New == none {
		return true
	}
	a, b := older.scalars(c.Table, c.Old), newer.scalars(c.Table, c.New)
	if len(a) != len(b) {
		return true
	}
	for i := range a {
		if a[i].column != b[i].column || !a[i].same(&b[i]) && !sameJSON(&a[i], &b[i]) {
			return true
		}
	}
	return false
}

// sameJSON reports whether two scalars are the same value in jsonb.
func sameJSON(a, b *scalar) bool {
	if a.isText() != b.isText() {
		return false
	}
	if a.isText() {
		return bytes.Equal(a.appendText(nil), b.appendText(nil))
	}
	return a.kind == b.kind && sameStored(a, b, a.kind)
}

// Same reports whether a kept row has the same stored values as the row of newer that Keep compared
// it with: 10 and 1e1 are one number, and 10 and "10" one value of a text column. The encoding of a
// value is canonical, so that the bytes are equal exactly if PostgreSQL's images are. It is false
// if Keep found other columns or no difference.
func (s *Shapes) Same(kept *Rows, o int, newer *Rows, n, table int) bool {
	differing, values := kept.scalars(table, o), newer.scalars(table, n)
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
		if column == len(s.columns) || s.columns[column] != differing[i].column || !sameStored(&differing[i], &values[value], s.types[column]) {
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
