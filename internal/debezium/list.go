package debezium

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// list converts arrays to jsonb, each element by its own type. The result equals
// PostgreSQL's to_jsonb of the array.
type list struct{ element target }

func (l list) convert(c *conversion, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() != '[' {
		return nil, errWrongKind
	}
	if c.nested == 0 {
		ahead := *s
		raw, err := ahead.skip()
		if err != nil {
			return nil, err
		}
		if c.placeholder.isDocument(raw) {
			*s = ahead
			return change.AppendUnavailable(row), nil
		}
	}
	c.nested++
	defer func() { c.nested-- }()
	row, mark := change.Begin(row)
	row = append(row, jsonbVersion, '[')
	first := len(row)
	var cell change.Row
	more, err := s.open('[', ']')
	for more && err == nil {
		if cell, err = l.convertElement(c, s, cell[:0]); err != nil {
			return nil, err
		}
		if len(row) > first {
			row = append(row, ',')
		}
		value, _ := cell.Next()
		row = datatype.AppendJSON(row, l.element.typ, value)
		more, err = s.more(']')
	}
	if err != nil {
		return nil, err
	}
	return change.End(append(row, ']'), mark), nil
}

// convertElement converts one element, NULL included.
func (l list) convertElement(c *conversion, s *scanner, cell change.Row) (change.Row, error) {
	isNull, err := s.null()
	if err != nil {
		return nil, err
	}
	if isNull {
		return change.AppendNull(cell), nil
	}
	return l.element.convert.convert(c, s, cell)
}
