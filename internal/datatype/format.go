package datatype

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"

	"metadb/internal/change"
)

// errNoValue is the error of [Format] for a cell without a value.
var errNoValue = errors.New("the cell has no value")

// Format returns the text to which a session with the settings of [CastSQL] casts a value. It
// returns an error for a cell that is NULL or unavailable, and for bytes that are not a value of
// the type.
func Format(t change.Type, cell change.Cell) (string, error) {
	if cell.State != change.Present {
		return "", errNoValue
	}
	value := cell.Bytes
	if want := fixedLength(t); want > 0 && len(value) != want {
		return "", fmt.Errorf("%d bytes are no %s", len(value), t)
	}
	switch t {
	case change.Text:
		return string(value), nil
	case change.Boolean:
		return strconv.FormatBool(value[0] != 0), nil
	case change.Bytea:
		return `\x` + hex.EncodeToString(value), nil
	case change.UUID:
		return formatUUID(value), nil
	case change.JSONB:
		return formatJSONB(value)
	case change.SmallInt, change.Integer, change.BigInt, change.Real, change.Double, change.Numeric:
		return formatNumber(t, value)
	default:
		return formatTemporal(t, value)
	}
}

// fixedLength returns the length of every value of t, zero if it varies.
func fixedLength(t change.Type) int {
	switch t {
	case change.Boolean:
		return 1
	case change.SmallInt:
		return 2
	case change.Integer, change.Real, change.Date:
		return 4
	case change.BigInt, change.Double, change.Time, change.Timestamp, change.TimestampTZ:
		return 8
	case change.TimeTZ:
		return 12
	case change.Interval, change.UUID:
		return 16
	}
	return 0
}

// formatNumber prints a number of the right length.
func formatNumber(t change.Type, value []byte) (string, error) {
	switch t {
	case change.SmallInt:
		return strconv.Itoa(int(int16(binary.BigEndian.Uint16(value)))), nil
	case change.Integer:
		return strconv.Itoa(int(int32(binary.BigEndian.Uint32(value)))), nil
	case change.BigInt:
		return strconv.FormatInt(int64(binary.BigEndian.Uint64(value)), 10), nil
	case change.Real:
		return string(AppendReal(nil, math.Float32frombits(binary.BigEndian.Uint32(value)))), nil
	case change.Double:
		return string(AppendDouble(nil, math.Float64frombits(binary.BigEndian.Uint64(value)))), nil
	default:
		return formatNumeric(value)
	}
}

// formatTemporal prints a date, a time or an interval of the right length.
func formatTemporal(t change.Type, value []byte) (string, error) {
	switch t {
	case change.Date:
		return string(AppendDateText(nil, int32(binary.BigEndian.Uint32(value)))), nil
	case change.Time:
		return string(AppendTimeText(nil, int64(binary.BigEndian.Uint64(value)))), nil
	case change.TimeTZ:
		text := AppendTimeText(nil, int64(binary.BigEndian.Uint64(value)))
		return string(appendZone(text, int32(binary.BigEndian.Uint32(value[8:])))), nil
	case change.Timestamp:
		return string(AppendTimestampText(nil, int64(binary.BigEndian.Uint64(value)), TimestampStyle{Separator: ' '})), nil
	case change.TimestampTZ:
		return string(AppendTimestampText(nil, int64(binary.BigEndian.Uint64(value)), TimestampStyle{Separator: ' ', Zone: "+00"})), nil
	case change.Interval:
		return string(AppendIntervalText(nil, value)), nil
	}
	return "", fmt.Errorf("type %d is no type", t)
}
