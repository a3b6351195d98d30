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
	info := infoOf(t)
	switch {
	case info.format == nil:
		return "", fmt.Errorf("type %d is no type", t)
	case !hasLength(cell.Bytes, info.Length):
		return "", fmt.Errorf("%d bytes are no %s", len(cell.Bytes), t)
	}
	return info.format(cell.Bytes)
}

// hasLength reports whether a value has the length of its type.
func hasLength(value []byte, length int) bool { return length == VaryingLength || len(value) == length }

func formatText(value []byte) (string, error) { return string(value), nil }

func formatBoolean(value []byte) (string, error) { return strconv.FormatBool(value[0] != 0), nil }

func formatBytea(value []byte) (string, error) { return `\x` + hex.EncodeToString(value), nil }

// formatInteger prints an integer of two, four or eight bytes.
func formatInteger(value []byte) (string, error) {
	switch len(value) {
	case 2:
		return strconv.Itoa(int(int16(binary.BigEndian.Uint16(value)))), nil
	case 4:
		return strconv.Itoa(int(int32(binary.BigEndian.Uint32(value)))), nil
	}
	return strconv.FormatInt(int64(binary.BigEndian.Uint64(value)), 10), nil
}

func formatReal(value []byte) (string, error) {
	return string(AppendReal(nil, math.Float32frombits(binary.BigEndian.Uint32(value)))), nil
}

func formatDouble(value []byte) (string, error) {
	return string(AppendDouble(nil, math.Float64frombits(binary.BigEndian.Uint64(value)))), nil
}

func formatDate(value []byte) (string, error) {
	return string(AppendDateText(nil, int32(binary.BigEndian.Uint32(value)))), nil
}

func formatTime(value []byte) (string, error) {
	return string(AppendTimeText(nil, int64(binary.BigEndian.Uint64(value)))), nil
}

func formatTimeTZ(value []byte) (string, error) {
	text := AppendTimeText(nil, int64(binary.BigEndian.Uint64(value)))
	return string(appendZone(text, int32(binary.BigEndian.Uint32(value[8:])))), nil
}

func formatTimestamp(value []byte) (string, error) {
	return string(AppendTimestampText(nil, int64(binary.BigEndian.Uint64(value)), TimestampStyle{Separator: ' '})), nil
}

func formatTimestampTZ(value []byte) (string, error) {
	return string(AppendTimestampText(nil, int64(binary.BigEndian.Uint64(value)), TimestampStyle{Separator: ' ', Zone: "+00"})), nil
}

func formatInterval(value []byte) (string, error) { return string(AppendIntervalText(nil, value)), nil }
