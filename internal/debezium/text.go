package debezium

import (
	"bytes"
	"errors"

	"metadb/internal/change"
)

// text converts everything that Debezium sends as a plain string and that is
// text in the target.
type text struct{}

// errZero is the error for a text with U+0000, which PostgreSQL can't store.
var errZero = errors.New(`the text contains \u0000, which PostgreSQL can't store`)

// errSurrogate is the error for a text with half of a surrogate pair.
var errSurrogate = errors.New(`the text contains half of a surrogate pair, which is no character`)

func (text) convert(c *conversion, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() != '"' {
		return nil, errWrongKind
	}
	raw, escaped, err := s.text()
	if err != nil {
		return nil, err
	}
	if !escaped {
		if c.nested == 0 && c.placeholder.isText(raw) {
			return change.AppendUnavailable(row), nil
		}
		return change.AppendValue(row, raw), nil
	}
	row, mark := change.Begin(row)
	row, whole := unescape(row, raw)
	value := row[mark+4:]
	switch {
	case !whole:
		return nil, errSurrogate
	case bytes.IndexByte(value, 0) >= 0:
		return nil, errZero
	case c.nested == 0 && c.placeholder.isText(value):
		return change.AppendUnavailable(row[:mark]), nil
	}
	return change.End(row, mark), nil
}

// rawText converts a value of a type that is not known: a string as itself,
// anything else as its JSON text.
type rawText struct{}

func (rawText) convert(c *conversion, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() == '"' {
		return text{}.convert(c, s, row)
	}
	raw, err := s.skip()
	if err != nil {
		return nil, err
	}
	return change.AppendValue(row, raw), nil
}

// string passes a string and returns its text, valid until the next call.
func (c *conversion) string(s *scanner) ([]byte, error) {
	if s.peek() != '"' {
		return nil, errWrongKind
	}
	raw, escaped, err := s.text()
	if err != nil || !escaped {
		return raw, err
	}
	var whole bool
	if c.text, whole = unescape(c.text[:0], raw); !whole {
		return nil, errSurrogate
	}
	return c.text, nil
}
