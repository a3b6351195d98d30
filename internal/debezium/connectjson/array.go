package connectjson

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// arrayConverter converts arrays to jsonb, each element by its own type. The result equals
// PostgreSQL's to_jsonb of the array.
type arrayConverter struct{ element columnTarget }

func (l arrayConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() != '[' {
		return nil, errWrongKind
	}
	if c.nested == 0 {
		ahead := *s
		raw, err := ahead.skipValue()
		if err != nil {
			return nil, err
		}
		if c.placeholder.IsDocument(raw) {
			*s = ahead
			return change.AppendUnavailable(row), nil
		}
	}
	c.nested++
	defer func() { c.nested-- }()
	row, mark := change.BeginCell(row)
	row = append(row, jsonbVersion, '[')
	first := len(row)
	var cell change.Row
	more, err := s.openContainer('[', ']')
	for more && err == nil {
		if cell, err = l.convertElement(c, s, cell[:0]); err != nil {
			return nil, err
		}
		if len(row) > first {
			row = append(row, ',')
		}
		value, _ := cell.Next()
		row = datatype.AppendJSON(row, l.element.typ, value)
		more, err = s.nextElement(']')
	}
	if err != nil {
		return nil, err
	}
	return change.EndCell(append(row, ']'), mark), nil
}

// convertElement converts one element, NULL included.
func (l arrayConverter) convertElement(c *conversionState, s *scanner, cell change.Row) (change.Row, error) {
	isNull, err := s.skipNull()
	if err != nil {
		return nil, err
	}
	if isNull {
		return change.AppendNull(cell), nil
	}
	return l.element.converter.convertValue(c, s, cell)
}
