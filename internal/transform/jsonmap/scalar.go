package jsonmap

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// scalar is one value of a row, in the notation of its document.
type scalar struct {
	// column is the column's index in the layout of the row's table.
	column int32
	// kind is the value's own type: text, numeric, boolean, timestamp or timestamptz.
	kind    change.Type
	escaped bool
	// raw is the number or word, or the text between the quotes. It aliases the document.
	raw []byte
}

// isWrittenAlike reports whether two scalars have the same notation, and so the same value.
func (s *scalar) isWrittenAlike(o *scalar) bool {
	return s.column == o.column && s.kind == o.kind && s.escaped == o.escaped && string(s.raw) == string(o.raw)
}

// isText reports whether the scalar is a string, moments included.
func (s *scalar) isText() bool { return s.kind != change.Boolean && s.kind != change.Numeric }

// parseScalar returns the scalar of a value that is neither object nor array; false for null and
// invalid values.
func parseScalar(value []byte) (scalar, bool) {
	if len(value) == 0 {
		return scalar{}, false
	}
	switch value[0] {
	case 't', 'f':
		return scalar{kind: change.Boolean, raw: value}, true
	case 'n':
		return scalar{}, false
	case '"':
		if len(value) < 2 {
			return scalar{}, false
		}
		raw := value[1 : len(value)-1]
		return parseText(raw), true
	}
	if !datatype.NumericFits(value) {
		return scalar{kind: change.Text, raw: value}, true
	}
	return scalar{kind: change.Numeric, raw: value}, true
}

// parseText returns the scalar of a string, which may be a moment.
func parseText(raw []byte) scalar {
	out := scalar{kind: change.Text, raw: raw}
	for _, c := range raw {
		if c == '\\' {
			out.escaped = true
			return out
		}
	}
	if _, zoned, ok := parseTimestamp(raw); ok {
		out.kind = change.Timestamp
		if zoned {
			out.kind = change.TimestampTZ
		}
	}
	return out
}

// appendText appends the scalar as text: a string without escapes, a number as PostgreSQL prints
// it.
func (s *scalar) appendText(dst []byte) []byte {
	switch {
	case s.escaped:
		return appendUnescaped(dst, s.raw)
	case s.kind == change.Numeric:
		if numeric, err := datatype.AppendNumericText(nil, string(s.raw)); err == nil {
			if text, err := datatype.Format(change.Numeric, change.Cell{Bytes: numeric}); err == nil {
				return append(dst, text...)
			}
		}
	}
	return append(dst, s.raw...)
}

// appendCell appends the scalar as a cell of a column's type, which must be able to hold it.
func (s *scalar) appendCell(row change.Row, to change.Type) (change.Row, error) {
	var err error
	open, mark := change.BeginCell(row)
	switch {
	case to == change.Text:
		open = s.appendText(open)
	case to == change.UUID:
		open, err = datatype.AppendUUID(open, s.raw)
	case s.kind == change.Boolean:
		open = append(open, boolToByte(s.raw[0] == 't'))
	case s.kind == change.Numeric:
		open, err = datatype.AppendNumericText(open, string(s.raw))
	default:
		micros, _, _ := parseTimestamp(s.raw)
		open, err = datatype.AppendTimestamp(open, micros)
	}
	if err != nil {
		return row, err
	}
	return change.EndCell(open, mark), nil
}

func boolToByte(value bool) byte {
	if value {
		return 1
	}
	return 0
}
