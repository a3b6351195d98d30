package connectjson

import (
	"bytes"
	"errors"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// textConverter converts everything that Debezium sends as a plain string and that is
// text in the target.
type textConverter struct{}

// errSurrogate is the error for a text with half of a surrogate pair.
var errSurrogate = errors.New(`the text contains half of a surrogate pair, which is no character`)

func (textConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() != '"' {
		return nil, errWrongKind
	}
	raw, escaped, err := s.scanString()
	if err != nil {
		return nil, err
	}
	if !escaped {
		if c.nested == 0 && c.placeholder.IsText(raw) {
			return change.AppendUnavailable(row), nil
		}
		return change.AppendValue(row, raw), nil
	}
	row, mark := change.BeginCell(row)
	row, whole := unescape(row, raw)
	value := row[mark+4:]
	switch {
	case !whole:
		return nil, errSurrogate
	case bytes.IndexByte(value, 0) >= 0:
		return nil, debezium.ErrNullCharacter
	case c.nested == 0 && c.placeholder.IsText(value):
		return change.AppendUnavailable(row[:mark]), nil
	}
	return change.EndCell(row, mark), nil
}

// rawTextConverter converts a value of a type that is not known: a string as itself,
// anything else as its JSON text.
type rawTextConverter struct{}

func (rawTextConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() == '"' {
		return textConverter{}.convertValue(c, s, row)
	}
	raw, err := s.skipValue()
	if err != nil {
		return nil, err
	}
	return change.AppendValue(row, raw), nil
}

// readString passes a string and returns its text, valid until the next call.
func (c *conversionState) readString(s *scanner) ([]byte, error) {
	if s.peek() != '"' {
		return nil, errWrongKind
	}
	raw, escaped, err := s.scanString()
	if err != nil || !escaped {
		return raw, err
	}
	var whole bool
	if c.textBuffer, whole = unescape(c.textBuffer[:0], raw); !whole {
		return nil, errSurrogate
	}
	return c.textBuffer, nil
}
