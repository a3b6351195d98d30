package connectjson

import (
	"metadb/internal/change"
	"metadb/internal/debezium"
)

// The converters of semantic types: each reads the values from one form in JSON, and package
// debezium says what they mean.

// countConverter converts numbers that count something. In __debezium.oldkey they are strings, if
// text is not nil.
type countConverter struct {
	convert func(change.Row, int64) (change.Row, error)
	text    func(change.Row, []byte) (change.Row, error)
}

func (n countConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() == '"' && n.text != nil {
		return stringConverter{convert: n.text}.convertValue(c, s, row)
	}
	count, err := s.scanInteger()
	if err != nil {
		return nil, err
	}
	return n.convert(row, count)
}

// stringConverter converts strings.
type stringConverter struct {
	convert        func(change.Row, []byte) (change.Row, error)
	hasPlaceholder bool
}

func (t stringConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	text, err := c.readString(s)
	if err != nil {
		return nil, err
	}
	if t.hasPlaceholder && c.nested == 0 && c.placeholder.IsText(text) {
		return change.AppendUnavailable(row), nil
	}
	return t.convert(row, text)
}

// encodedConverter converts bytes, which arrive as base64. Where digits is not nil, they may be a
// number instead.
type encodedConverter struct {
	convert, digits func(change.Row, []byte) (change.Row, error)
	hasPlaceholder  bool
}

func (b encodedConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	if kind := s.peek(); b.digits != nil && (kind == '-' || kind-'0' <= 9) {
		number, err := s.scanNumber()
		if err != nil {
			return nil, err
		}
		return b.digits(row, number)
	}
	value, err := c.readBytes(s)
	if err != nil {
		return nil, err
	}
	if b.hasPlaceholder && c.nested == 0 && c.placeholder.IsBytes(value) {
		return change.AppendUnavailable(row), nil
	}
	return b.convert(row, value)
}

// scaledConverter converts numbers that are a struct of scale and value.
type scaledConverter struct {
	convert func(change.Row, []byte, int64) (change.Row, error)
}

func (v scaledConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() != '{' {
		return nil, errWrongKind
	}
	var scale int64
	var unscaled []byte
	seen := ""
	more, err := s.openContainer('{', '}')
	for more && err == nil {
		var name []byte
		if name, err = s.scanName(); err != nil {
			return nil, err
		}
		switch string(name) {
		case "scale":
			scale, err = s.scanInteger()
			seen += "s"
		case "value":
			unscaled, err = c.readBytes(s)
			seen += "v"
		default:
			_, err = s.skipValue()
		}
		if err != nil {
			return nil, err
		}
		more, err = s.nextElement('}')
	}
	if err != nil {
		return nil, err
	}
	if seen != "sv" && seen != "vs" {
		return nil, debezium.ErrDecimal
	}
	return v.convert(row, unscaled, scale)
}
