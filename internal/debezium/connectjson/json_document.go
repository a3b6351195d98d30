package connectjson

import (
	"bytes"
	"fmt"
	"unicode/utf16"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// jsonbVersion is the first byte of a jsonb in PostgreSQL's binary format.
const jsonbVersion = 1

// documentConverter converts json, jsonb, and hstore in its mode json: strings that hold
// JSON.
type documentConverter struct{}

func (documentConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	value, err := c.readString(s)
	if err != nil {
		return nil, err
	}
	if c.nested == 0 && c.placeholder.IsText(value) {
		return change.AppendUnavailable(row), nil
	}
	inner := scanner{data: value}
	inner.peek()
	raw, err := inner.skipValue()
	if err == nil {
		err = inner.expectEnd()
	}
	if err != nil {
		return nil, fmt.Errorf("the document is no JSON: %w", err)
	}
	if c.nested == 0 && c.placeholder.IsDocument(raw) {
		return change.AppendUnavailable(row), nil
	}
	return c.appendDocument(row, raw, inner.unusual)
}

// structConverter converts structs and maps, which are kept as Debezium sends them.
type structConverter struct{}

func (structConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	if kind := s.peek(); kind != '{' && kind != '[' {
		return nil, errWrongKind
	}
	raw, err := s.skipValue()
	if err != nil {
		return nil, err
	}
	if c.nested == 0 && c.placeholder.IsDocument(raw) {
		return change.AppendUnavailable(row), nil
	}
	return c.appendDocument(row, raw, s.unusual)
}

// appendDocument appends the jsonb that raw, which is valid JSON, stands for.
// unusual says that it may have a number that no numeric holds.
func (c *conversionState) appendDocument(row change.Row, raw []byte, unusual bool) (change.Row, error) {
	if unusual {
		if err := checkNumbers(raw); err != nil {
			return nil, err
		}
	}
	row, mark := change.BeginCell(row)
	row = append(row, jsonbVersion)
	if bytes.IndexByte(raw, '\\') < 0 {
		row = append(row, raw...)
	} else {
		var replaced bool
		if row, replaced = appendStorable(row, raw); replaced {
			c.changed = `\u0000 or half of a surrogate pair in a document, which jsonb can't hold, became U+FFFD`
		}
	}
	return change.EndCell(row, mark), nil
}

// appendStorable appends raw with every escape replaced that jsonb refuses:
// \u0000 and halves of surrogate pairs. It reports whether there were any.
func appendStorable(dst, raw []byte) ([]byte, bool) {
	const replacement = `\ufffd`
	replaced := false
	for {
		at := bytes.IndexByte(raw, '\\')
		if at < 0 {
			return append(dst, raw...), replaced
		}
		dst = append(dst, raw[:at]...)
		raw = raw[at:]
		if raw[1] != 'u' {
			dst = append(dst, raw[:2]...)
			raw = raw[2:]
			continue
		}
		r, size := decodeSurrogates(raw)
		if r == 0 || utf16.IsSurrogate(r) {
			replaced = true
			dst = append(dst, replacement...)
		} else {
			dst = append(dst, raw[:size]...)
		}
		raw = raw[size:]
	}
}

// checkNumbers reports an error if raw, which is valid JSON, has a number that
// no numeric holds.
func checkNumbers(raw []byte) error {
	s := scanner{data: raw}
	for s.pos < len(raw) {
		switch c := raw[s.pos]; {
		case c == '"':
			if _, _, err := s.scanString(); err != nil {
				return err
			}
		case c == '-' || c-'0' <= 9:
			number, err := s.scanNumber()
			if err != nil {
				return err
			}
			if !datatype.NumericFits(number) {
				return fmt.Errorf("the document has the number %.40q, which PostgreSQL can't hold", number)
			}
		default:
			s.pos++
		}
	}
	return nil
}
