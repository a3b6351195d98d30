package transform

import (
	"bytes"
	"encoding/json"
	"slices"
)

// walker walks through one document. It collects fields, values and positions on stacks; the upper
// part of each belongs to the innermost object or row.
type walker struct {
	layout  *Layout
	rows    *Rows
	fields  []field
	pending []pending
	ords    []int32
	sorted  []scalar
}

// field is a member of an object.
type field struct{ name, value []byte }

// pending is a scalar of an incomplete row, with its field.
type pending struct {
	scalar
	node int
	name []byte
}

// Add adds the rows of a document and returns its number. documents has a JSON text, or nil, for
// each column of the set. A text other than an object has no rows.
func (l *Layout) Add(rows *Rows, documents [][]byte) int {
	number := rows.begin()
	w := &l.walk
	w.layout, w.rows = l, rows
	for i, root := range l.set.roots {
		document := bytes.TrimLeft(documents[i], " \t\r\n")
		if len(document) == 0 || document[0] != '{' {
			continue
		}
		w.ords = w.ords[:0]
		w.row(root, func() { w.object(root, root, document) })
	}
	return number
}

// Valid returns a text if it is JSON, and nil if it is not. Documents of a jsonb column need no
// such check.
func Valid(text []byte) []byte {
	if !json.Valid(text) {
		return nil
	}
	return text
}

// row collects a row of a table.
func (w *walker) row(table int, collect func()) {
	base := len(w.pending)
	collect()
	w.finish(table, w.pending[base:])
	w.pending = w.pending[:base]
}

// object reads an object, with scalars that belong to the row being collected, a row of a table.
func (w *walker) object(table, node int, data []byte) {
	base := len(w.fields)
	s := scanner{data: data, pos: 1}
	for s.peek() == '"' {
		name, escaped := s.text()
		if escaped {
			name = unescape(nil, name)
		}
		if !s.pass(':') {
			break
		}
		s.peek()
		w.member(base, field{name: name, value: s.value()})
		if !s.pass(',') {
			break
		}
	}
	if len(w.fields)-base > fewFields {
		w.unique(base)
	}
	members := w.layout.set.nodes[node].members
	for i := base; i < len(w.fields); i++ {
		f := w.fields[i]
		if len(f.value) == 0 {
			continue
		}
		switch f.value[0] {
		case '{':
			if below, mapped := members[string(f.name)]; mapped {
				w.ords = append(w.ords, 0)
				w.object(table, below, f.value)
				w.ords = w.ords[:len(w.ords)-1]
			}
		case '[':
			if below, mapped := members[string(f.name)]; mapped {
				w.array(below, f.value)
			}
		default:
			w.add(table, node, f)
		}
	}
	w.fields = w.fields[:base]
}

// fewFields is the number of members up to which an object's names are compared one by one.
const fewFields = 40

// member adds a member of the object with members from base on. The last of several with one name
// counts, as in jsonb.
func (w *walker) member(base int, f field) {
	if len(w.fields)-base < fewFields {
		for i := base; i < len(w.fields); i++ {
			if len(w.fields[i].name) == len(f.name) && string(w.fields[i].name) == string(f.name) {
				w.fields[i].value = f.value
				return
			}
		}
	}
	w.fields = append(w.fields, f)
}

// unique removes members of a large object that a later one replaces.
func (w *walker) unique(base int) {
	last := make(map[string]int, len(w.fields)-base)
	kept := w.fields[:base]
	for _, f := range w.fields[base:] {
		if at, known := last[string(f.name)]; known {
			kept[at].value = f.value
			continue
		}
		last[string(f.name)] = len(kept)
		kept = append(kept, f)
	}
	w.fields = kept
}

// add adds a scalar to the row.
func (w *walker) add(table, node int, f field) {
	s, ok := scalarOf(f.value)
	if !ok {
		return
	}
	if s.column = w.layout.field(table, node, f.name); s.column != none {
		w.pending = append(w.pending, pending{scalar: s, node: node, name: f.name})
	}
}

// array makes rows of the elements of an array.
func (w *walker) array(node int, data []byte) {
	s := scanner{data: data, pos: 1}
	w.ords = append(w.ords, 0)
	at := len(w.ords) - 1
	for kind := s.peek(); kind != ']' && kind != 0; kind = s.peek() {
		w.ords[at]++
		switch value := s.value(); value[0] {
		case '{':
			w.row(node, func() { w.object(node, node, value) })
		case '[', 'n':
		default:
			w.row(node, func() { w.element(node, value) })
		}
		if !s.pass(',') {
			break
		}
	}
	w.ords = w.ords[:at]
}

// element adds the only value of a row of scalars.
func (w *walker) element(node int, value []byte) {
	s, ok := scalarOf(value)
	if !ok {
		return
	}
	if s.column = w.layout.column(node, w.layout.set.nodes[node].target); s.column != none {
		w.pending = append(w.pending, pending{scalar: s, node: node})
	}
}

// finish adds the collected row. Its values usually come in the order of the columns, which is that
// of the documents before.
func (w *walker) finish(table int, values []pending) {
	w.sort(values)
	if !distinct(w.sorted) {
		w.layout.settle(table, values)
		w.sort(values)
	}
	w.sorted = w.layout.fit(table, w.sorted)
	w.rows.add(table, w.ords, w.sorted)
}

// sort fills sorted with the values that have a column, in the order of the columns.
func (w *walker) sort(values []pending) {
	w.sorted = w.sorted[:0]
	ordered := true
	for i := range values {
		if values[i].column == none {
			continue
		}
		if n := len(w.sorted); n > 0 && w.sorted[n-1].column > values[i].column {
			ordered = false
		}
		w.sorted = append(w.sorted, values[i].scalar)
	}
	if !ordered {
		slices.SortFunc(w.sorted, byColumn)
	}
}

func byColumn(a, b scalar) int { return int(a.column) - int(b.column) }

// distinct reports whether the values, in the order of the columns, have a column each.
func distinct(values []scalar) bool {
	for i := 1; i < len(values); i++ {
		if values[i-1].column == values[i].column {
			return false
		}
	}
	return true
}
