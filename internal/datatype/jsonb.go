package datatype

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// jsonbVersion is the first byte of a jsonb in binary; the JSON text follows.
const jsonbVersion = 1

// AppendJSONB appends the jsonb of a JSON text, which must be valid.
func AppendJSONB(dst, text []byte) []byte {
	return append(append(dst, jsonbVersion), text...)
}

// formatJSONB is jsonb_out: members sorted by the length of their names, then
// bytewise, the last of several with one name, numbers without exponent.
func formatJSONB(value []byte) (string, error) {
	document, err := parseJSONB(value)
	if err != nil {
		return "", err
	}
	text, err := appendJSON(nil, document, appendJSONNumber)
	return string(text), err
}

// appendCanonicalJSONB appends the canonical form of all documents that are equal for jsonb's =:
// the text of formatJSONB, but for the scale of numbers. An invalid document is left as it is, for
// PostgreSQL to refuse.
func appendCanonicalJSONB(dst, value []byte) []byte {
	document, err := parseJSONB(value)
	if err != nil {
		return append(dst, value...)
	}
	mark := len(dst)
	if dst, err = appendJSON(dst, document, appendCanonicalNumber); err != nil {
		return append(dst[:mark], value...)
	}
	return dst
}

// parseJSONB reads a jsonb in binary. The last of several members with one name counts.
func parseJSONB(value []byte) (any, error) {
	if len(value) == 0 || value[0] != jsonbVersion {
		return nil, errors.New("the bytes are no jsonb of version 1")
	}
	decoder := json.NewDecoder(bytes.NewReader(value[1:]))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("the jsonb is no JSON: %w", err)
	}
	return document, nil
}

// numberWriter writes a number of a document.
type numberWriter func(dst []byte, number json.Number) ([]byte, error)

// appendJSON writes a document as jsonb does.
func appendJSON(dst []byte, document any, write numberWriter) ([]byte, error) {
	switch v := document.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return fmt.Append(dst, v), nil
	case string:
		return AppendJSONString(dst, v), nil
	case json.Number:
		return write(dst, v)
	case []any:
		return appendJSONArray(dst, v, write)
	case map[string]any:
		return appendJSONObject(dst, v, write)
	}
	return nil, fmt.Errorf("%T is no JSON", document)
}

// appendJSONNumber writes a number as numeric_out does.
func appendJSONNumber(dst []byte, number json.Number) ([]byte, error) {
	numeric, err := AppendNumericText(nil, string(number))
	if err != nil {
		return nil, err
	}
	text, err := formatNumeric(numeric)
	return append(dst, text...), err
}

// appendCanonicalNumber appends the canonical form of a number: that of its numeric. Only numbers
// have such a form in a document, so that it can't be mistaken for another value.
func appendCanonicalNumber(dst []byte, number json.Number) ([]byte, error) {
	numeric, err := AppendNumericText(nil, string(number))
	if err != nil {
		return nil, err
	}
	return hex.AppendEncode(append(dst, '#'), appendCanonicalNumeric(nil, numeric)), nil
}

// appendJSONArray writes [1, 2].
func appendJSONArray(dst []byte, elements []any, write numberWriter) ([]byte, error) {
	var err error
	dst = append(dst, '[')
	for i, element := range elements {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if dst, err = appendJSON(dst, element, write); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

// appendJSONObject writes {"a": 1, "b": 2}.
func appendJSONObject(dst []byte, members map[string]any, write numberWriter) ([]byte, error) {
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	var err error
	dst = append(dst, '{')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(AppendJSONString(dst, name), ": "...)
		if dst, err = appendJSON(dst, members[name], write); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// AppendJSONString appends text as a JSON string with PostgreSQL's escapes, which are those that
// JSON requires.
func AppendJSONString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for i := range len(text) {
		switch c := text[i]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			if c < ' ' {
				dst = fmt.Appendf(dst, `\u%04x`, c)
			} else {
				dst = append(dst, c)
			}
		}
	}
	return append(dst, '"')
}
