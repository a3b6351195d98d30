package datatype

import (
	"encoding/binary"

	"metadb/internal/change"
)

// AppendJSON appends the JSON to which PostgreSQL's to_jsonb converts a value in a session with the
// settings of [CastSQL]: numbers as they are, dates and timestamps in ISO 8601, values of all other
// types as text. NULL is null. The value must be well-formed.
func AppendJSON(dst []byte, t change.Type, cell change.Cell) []byte {
	info := infoOf(t)
	if cell.State != change.Present || info.appendJSON == nil || !hasLength(cell.Bytes, info.Length) {
		return append(dst, "null"...)
	}
	return info.appendJSON(dst, cell.Bytes)
}

// jsonString returns a function that appends a value's text as a JSON string.
func jsonString(format func([]byte) (string, error)) func(dst, value []byte) []byte {
	return func(dst, value []byte) []byte {
		text, err := format(value)
		if err != nil {
			return append(dst, "null"...)
		}
		return AppendJSONString(dst, text)
	}
}

// jsonPlain returns a function that appends a value's text as it is.
func jsonPlain(format func([]byte) (string, error)) func(dst, value []byte) []byte {
	return func(dst, value []byte) []byte {
		text, err := format(value)
		if err != nil {
			return append(dst, "null"...)
		}
		return append(dst, text...)
	}
}

// jsonNumber returns a function that appends a number: as it is if it has digits, which JSON
// requires of one, else its name as a JSON string.
func jsonNumber(format func([]byte) (string, error)) func(dst, value []byte) []byte {
	return func(dst, value []byte) []byte {
		text, err := format(value)
		switch {
		case err != nil:
			return append(dst, "null"...)
		case text[len(text)-1]-'0' <= 9:
			return append(dst, text...)
		}
		return AppendJSONString(dst, text) // NaN, Infinity
	}
}

// appendJSONDocument appends the text of a jsonb, which follows its version.
func appendJSONDocument(dst, value []byte) []byte {
	if len(value) == 0 {
		return append(dst, "null"...)
	}
	return append(dst, value[1:]...)
}

func appendJSONTimestamp(dst, value []byte) []byte { return appendZonedJSON(dst, value, "") }

func appendJSONTimestampTZ(dst, value []byte) []byte { return appendZonedJSON(dst, value, "+00:00") }

// appendZonedJSON appends a timestamp as a JSON string.
func appendZonedJSON(dst, value []byte, zone string) []byte {
	dst = append(dst, '"')
	dst = AppendTimestampText(dst, int64(binary.BigEndian.Uint64(value)), TimestampStyle{Separator: 'T', Zone: zone})
	return append(dst, '"')
}
