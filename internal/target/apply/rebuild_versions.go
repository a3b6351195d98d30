package apply

import (
	"bytes"
	"encoding/binary"
	"slices"

	"metadb/internal/change"
	"metadb/internal/target/pgbinary"
)

// rebuiltSpan is a part of a version's validity range with the texts of its rebuilt columns.
type rebuiltSpan struct {
	id         int64
	start, end change.Micros
	texts      []string
}

// rebuiltVersion is a version of the transformed table while the versions of its parent are read.
type rebuiltVersion struct {
	id         int64
	start, end change.Micros
	values     [][]byte
	positions  []int32
	// first is the index of its first span. closed is set if its spans are complete.
	first  int
	closed bool
}

// readVersion reads a version of the transformed table.
func (m *valueRebuild) readVersion(id int64, row [][]byte, places int) *rebuiltVersion {
	v := &rebuiltVersion{
		id:    id,
		start: pgbinary.ReadTimestamptz(row[1]), end: pgbinary.ReadTimestamptz(row[2]),
	}
	v.first = len(m.spans)
	for i := range m.stored {
		v.values = append(v.values, bytes.Clone(row[4+i]))
	}
	for i := range places {
		ord := int32(0)
		if value := row[4+len(m.stored)+i]; value != nil {
			ord = int32(binary.BigEndian.Uint32(value))
		}
		v.positions = append(v.positions, ord)
	}
	return v
}

// addParentVersion adds the texts of one version of the parent to the spans of a version. Parent
// versions that cover the same time may be the parents of other rows: one with other values is left
// out, and if it begins no later than the version, the spans so far are dropped. A version without
// duration is complete at the first such parent after a fitting one.
func (m *valueRebuild) addParentVersion(v *rebuiltVersion, start change.Micros, texts [][]byte) {
	if v.closed {
		return
	}
	said, same := m.documentValues(v, texts)
	n := len(m.spans)
	switch {
	case !same && v.end == v.start:
		v.closed = n > v.first
	case !same && start <= v.start:
		m.spans = m.spans[:v.first]
	case !same:
	case n == v.first:
		m.spans = append(m.spans, rebuiltSpan{id: v.id, start: v.start, end: v.end, texts: said})
	case !slices.Equal(m.spans[n-1].texts, said):
		start = max(start, v.start)
		m.spans[n-1].end = start
		m.spans = append(m.spans, rebuiltSpan{id: v.id, start: start, end: v.end, texts: said})
	}
}

// documentValues returns the texts of documents for the rebuilt columns, and whether the documents
// have the version's row: all other values are the same.
func (m *valueRebuild) documentValues(v *rebuiltVersion, texts [][]byte) (said []string, same bool) {
	m.rows.Reset()
	document := m.layout.AddDocument(m.rows, texts)
	row, found := m.rows.Find(document, m.table, v.positions)
	if !found {
		return nil, false
	}
	cells, err := m.shapes.AppendRow(nil, m.rows, m.table, row)
	if err != nil {
		return nil, false
	}
	said = make([]string, len(m.columns))
	key := len(m.shapes.Delete.Columns) - len(m.parent.table.Key)
	for i, cell := range cells.Cells() {
		i -= key
		if i < 0 {
			continue
		}
		value := v.values[i]
		if (cell.State == change.Present) != (value != nil) {
			return nil, false
		}
		made, isMade := m.rebuiltByStored[i]
		if !isMade {
			if string(cell.Bytes) != string(value) {
				return nil, false
			}
			continue
		}
		if value == nil {
			continue
		}
		written, printed, is := m.layout.TimestampText(m.rows, m.table, row, m.child.table.Columns[m.columns[made]].Name)
		if !is || printed != string(value) {
			return nil, false
		}
		said[made] = written
	}
	return said, true
}
