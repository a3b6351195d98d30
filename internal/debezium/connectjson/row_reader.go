package connectjson

import (
	"bytes"
	"errors"
	"fmt"

	"metadb/internal/change"
)

// rowReader reads rows by their plan. Its buffers are used again for every
// record.
type rowReader struct {
	conversionState
	// row is the row that was read last, offsets where its cells begin.
	row     change.Row
	offsets []int
	// hasUnavailable says that the row has unavailable values.
	hasUnavailable bool
	// spans holds the JSON of each column when the members are not in the
	// plan's order.
	spans [][]byte
	// notes collects the notes about changed values of the row.
	notes []change.Note
}

// readRow reads the object that comes next as a row of p.
func (r *rowReader) readRow(p *readPlan, s *scanner) error {
	start, depth := s.pos, s.depth
	r.resetBuffers()
	ordered, err := r.readOrdered(p, s)
	if err != nil || ordered {
		return err
	}
	s.pos, s.depth = start, depth
	r.resetBuffers()
	return r.readUnordered(p, s)
}

// resetBuffers clears the buffers of the last row.
func (r *rowReader) resetBuffers() {
	r.row, r.offsets, r.notes, r.hasUnavailable = r.row[:0], r.offsets[:0], nil, false
	r.nested, r.changed = 0, ""
}

// readOrdered reads a row whose members come in the plan's order, written as
// Kafka's JSON converter writes them. It reports false for any other row, of
// which it may have read a part.
func (r *rowReader) readOrdered(p *readPlan, s *scanner) (bool, error) {
	if s.peek() != '{' {
		return false, nil
	}
	s.pos++
	s.depth++
	for i := range p.columns {
		column := &p.columns[i]
		if !bytes.HasPrefix(s.data[s.pos:], column.fieldPrefix) {
			return false, nil
		}
		s.pos += len(column.fieldPrefix)
		if err := r.appendCell(column, s); err != nil {
			return false, err
		}
	}
	if s.peek() != '}' {
		return false, nil
	}
	s.pos++
	s.depth--
	return true, nil
}

// readUnordered reads a row whose members come in any order. Columns that are missing
// are NULL.
func (r *rowReader) readUnordered(p *readPlan, s *scanner) error {
	r.spans = append(r.spans[:0], make([][]byte, len(p.columns))...)
	more, err := s.openContainer('{', '}')
	for more && err == nil {
		var name []byte
		if name, err = s.scanName(); err != nil {
			return err
		}
		at, ok := p.index[string(name)]
		if !ok {
			return fmt.Errorf("the row has a field %.70q that its schema does not have", name)
		}
		if r.spans[at] != nil {
			return fmt.Errorf("the row has the field %.70q twice", name)
		}
		if r.spans[at], err = s.skipValue(); err != nil {
			return err
		}
		more, err = s.nextElement('}')
	}
	if err != nil {
		return err
	}
	for i := range p.columns {
		if r.spans[i] == nil {
			r.offsets = append(r.offsets, len(r.row))
			r.row = change.AppendNull(r.row)
			continue
		}
		if err := r.appendCell(&p.columns[i], &scanner{data: r.spans[i]}); err != nil {
			return err
		}
	}
	return nil
}

// appendCell converts the value that comes next and appends its cell.
func (r *rowReader) appendCell(column *plannedColumn, s *scanner) error {
	r.offsets = append(r.offsets, len(r.row))
	row, err := r.appendValue(column, s, r.row)
	if err != nil {
		return fmt.Errorf("column %.70q: %w", column.Name, err)
	}
	r.hasUnavailable = r.hasUnavailable || row[len(r.row):].BeginsUnavailable()
	r.row = row
	if r.changed != "" {
		r.notes = append(r.notes, change.Note{Column: column.Name, Severe: true, Text: r.changed})
		r.changed = ""
	}
	return nil
}

// appendValue converts the value that comes next, null included.
func (r *rowReader) appendValue(column *plannedColumn, s *scanner, row change.Row) (change.Row, error) {
	isNull, err := s.skipNull()
	if err != nil {
		return nil, err
	}
	if isNull {
		return change.AppendNull(row), nil
	}
	return column.converter.convertValue(&r.conversionState, s, row)
}

// errTrailingText says that a key's field holds more than a value.
var errTrailingText = errors.New("there is text after the value")

// appendKeyCell converts raw, the JSON of a field of a key, and appends its
// cell. In a key the placeholder is an ordinary value.
func (r *rowReader) appendKeyCell(column *plannedColumn, raw []byte, row change.Row) (change.Row, error) {
	r.nested = 1
	defer func() { r.nested, r.changed = 0, "" }()
	s := scanner{data: raw}
	row, err := r.appendValue(column, &s, row)
	if err == nil && s.expectEnd() != nil {
		err = errTrailingText
	}
	if err != nil {
		return nil, fmt.Errorf("key column %.70q: %w", column.Name, err)
	}
	return row, nil
}
