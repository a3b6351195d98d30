package datatype

import (
	"encoding/binary"
	"math"

	"metadb/internal/change"
)

// AppendJSON appends the JSON to which PostgreSQL's to_jsonb converts a value in a session with the
// settings of [CastSQL]: numbers as they are, dates and timestamps in ISO 8601, values of all other
// types as text. NULL is null. The value must be well-formed.
func AppendJSON(dst []byte, t change.Type, cell change.Cell) []byte {
	if cell.State != change.Present {
		return append(dst, "null"...)
	}
	value := cell.Bytes
	switch t {
	case change.Timestamp:
		return appendJSONTimestamp(dst, value, "")
	case change.TimestampTZ:
		return appendJSONTimestamp(dst, value, "+00:00")
	case change.JSONB:
		return append(dst, value[1:]...)
	}
	text, err := Format(t, cell)
	if err != nil {
		return append(dst, "null"...)
	}
	if t == change.Boolean || isNumber(t) && isFinite(t, value) {
		return append(dst, text...)
	}
	return AppendJSONString(dst, text)
}

// appendJSONTimestamp appends a timestamp as a JSON string.
func appendJSONTimestamp(dst, value []byte, zone string) []byte {
	dst = append(dst, '"')
	dst = AppendTimestampText(dst, int64(binary.BigEndian.Uint64(value)), TimestampStyle{Separator: 'T', Zone: zone})
	return append(dst, '"')
}

// isFinite reports whether a number has digits, which JSON requires of one.
func isFinite(t change.Type, value []byte) bool {
	var float float64
	switch t {
	case change.Real:
		float = float64(math.Float32frombits(binary.BigEndian.Uint32(value)))
	case change.Double:
		float = math.Float64frombits(binary.BigEndian.Uint64(value))
	case change.Numeric:
		sign := binary.BigEndian.Uint16(value[4:])
		return sign == 0 || sign == numericNegative
	}
	return !math.IsNaN(float) && !math.IsInf(float, 0)
}
