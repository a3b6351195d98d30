package jsonmap

import (
	"bytes"
	"encoding/json"
	"slices"
)

// documentWalker walks through one document. It collects fields, values and positions on stacks; the upper
// part of each belongs to the innermost object or row.
type documentWalker struct {
	layout    *Layout
	rows      *Rows
	fields    []objectMember
	pending   []pendingScalar
	positions []int32
	sorted    []scalar
}

// objectMember is a member of an object.
type objectMember struct{ name, value []byte }

// pendingScalar is a scalar of an incomplete row, with its field.
type pendingScalar struct {
	scalar
	node int
	name []byte
}

// AddDocument adds the rows of a document and returns its number. documents has a JSON text, or nil, for
// each column of the set. A text other than an object has no rows.
func (l *Layout) AddDocument(rows *Rows, documents [][]byte) int {
	number := rows.beginDocument()
	w := &l.walker
	w.layout, w.rows = l, rows
	for i, root := range l.set.rootNodes {
		document := bytes.TrimLeft(documents[i], " \t\r\n")
		if len(document) == 0 || document[0] != '{' {
			continue
		}
		w.positions = w.positions[:0]
		w.collectRow(root, func() { w.walkObject(root, root, document) })
	}
	return number
}

// ValidJSON returns a text if it is JSON, and nil if it is not. Documents of a jsonb column need no
// such check.
func ValidJSON(text []byte) []byte {
	if !json.Valid(text) {
		return nil
	}
	return text
}

// collectRow collects a row of a table.
func (w *documentWalker) collectRow(table int, collect func()) {
	base := len(w.pending)
	collect()
	w.finishRow(table, w.pending[base:])
	w.pending = w.pending[:base]
}

// walkObject reads an object, with scalars that belong to the row being collected, a row of a table.
func (w *documentWalker) walkObject(table, node int, data []byte) {
	base := len(w.fields)
	s := jsonScanner{data: data, pos: 1}
	for s.peekByte() == '"' {
		name, escaped := s.passString()
		if escaped {
			name = appendUnescaped(nil, name)
		}
		if !s.passByte(':') {
			break
		}
		s.peekByte()
		w.addMember(base, objectMember{name: name, value: s.passValue()})
		if !s.passByte(',') {
			break
		}
	}
	if len(w.fields)-base > maxSearchedFields {
		w.dropReplaced(base)
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
				w.positions = append(w.positions, 0)
				w.walkObject(table, below, f.value)
				w.positions = w.positions[:len(w.positions)-1]
			}
		case '[':
			if below, mapped := members[string(f.name)]; mapped {
				w.walkArray(below, f.value)
			}
		default:
			w.addScalar(table, node, f)
		}
	}
	w.fields = w.fields[:base]
}

// maxSearchedFields is the number of members up to which an object's names are compared one by one.
const maxSearchedFields = 40

// addMember adds a member of the object with members from base on. The last of several with one name
// counts, as in jsonb.
func (w *documentWalker) addMember(base int, f objectMember) {
	if len(w.fields)-base < maxSearchedFields {
		for i := base; i < len(w.fields); i++ {
			if len(w.fields[i].name) == len(f.name) && string(w.fields[i].name) == string(f.name) {
				w.fields[i].value = f.value
				return
			}
		}
	}
	w.fields = append(w.fields, f)
}

// dropReplaced removes members of a large object that a later one replaces.
func (w *documentWalker) dropReplaced(base int) {
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

// addScalar adds a scalar to the row.
func (w *documentWalker) addScalar(table, node int, f objectMember) {
	s, ok := parseScalar(f.value)
	if !ok {
		return
	}
	if s.column = w.layout.fieldColumn(table, node, f.name); s.column != none {
		w.pending = append(w.pending, pendingScalar{scalar: s, node: node, name: f.name})
	}
}

// walkArray makes rows of the elements of an array.
func (w *documentWalker) walkArray(node int, data []byte) {
	s := jsonScanner{data: data, pos: 1}
	w.positions = append(w.positions, 0)
	at := len(w.positions) - 1
	for kind := s.peekByte(); kind != ']' && kind != 0; kind = s.peekByte() {
		w.positions[at]++
		switch value := s.passValue(); value[0] {
		case '{':
			w.collectRow(node, func() { w.walkObject(node, node, value) })
		case '[', 'n':
		default:
			w.collectRow(node, func() { w.addElement(node, value) })
		}
		if !s.passByte(',') {
			break
		}
	}
	w.positions = w.positions[:at]
}

// addElement adds the only value of a row of scalars.
func (w *documentWalker) addElement(node int, value []byte) {
	s, ok := parseScalar(value)
	if !ok {
		return
	}
	if s.column = w.layout.ensureColumn(node, w.layout.set.nodes[node].target); s.column != none {
		w.pending = append(w.pending, pendingScalar{scalar: s, node: node})
	}
}

// finishRow adds the collected row. Its values usually come in the order of the columns, which is that
// of the documents before.
func (w *documentWalker) finishRow(table int, values []pendingScalar) {
	w.sortPending(values)
	if !hasDistinctColumns(w.sorted) {
		w.layout.resolveCollisions(table, values)
		w.sortPending(values)
	}
	w.sorted = w.layout.trimToPage(table, w.sorted)
	w.rows.addRow(table, w.positions, w.sorted)
}

// sortPending fills sorted with the values that have a column, in the order of the columns.
func (w *documentWalker) sortPending(values []pendingScalar) {
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
		slices.SortFunc(w.sorted, compareColumns)
	}
}

func compareColumns(a, b scalar) int { return int(a.column) - int(b.column) }

// hasDistinctColumns reports whether the values, in the order of the columns, have a column each.
func hasDistinctColumns(values []scalar) bool {
	for i := 1; i < len(values); i++ {
		if values[i-1].column == values[i].column {
			return false
		}
	}
	return true
}
