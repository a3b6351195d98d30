package connectjson

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"

	"metadb/internal/change"
)

// realConverter converts real, doubleConverter double precision. NaN and the
// infinities are strings, since JSON has no numbers for them.
type (
	realConverter   struct{}
	doubleConverter struct{}
)

// errFloatRange says that a number doesn't fit its type.
var errFloatRange = errors.New("the number is too large for its type")

func (realConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	value, err := c.readFloat(s, 32)
	if err != nil {
		return nil, err
	}
	row = binary.BigEndian.AppendUint32(row, 4)
	return binary.BigEndian.AppendUint32(row, math.Float32bits(float32(value))), nil
}

func (doubleConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	value, err := c.readFloat(s, 64)
	if err != nil {
		return nil, err
	}
	row = binary.BigEndian.AppendUint32(row, 8)
	return binary.BigEndian.AppendUint64(row, math.Float64bits(value)), nil
}

// readFloat passes a number or the name of one.
func (c *conversionState) readFloat(s *scanner, bits int) (float64, error) {
	switch s.peek() {
	case '"':
		raw, err := c.readString(s)
		if err != nil {
			return 0, err
		}
		return namedFloat(raw)
	case '{', '[', 't', 'f', 'n':
		return 0, errWrongKind
	}
	text, err := s.scanNumber()
	if err != nil {
		return 0, err
	}
	value, err := strconv.ParseFloat(string(text), bits)
	if err != nil {
		return 0, errFloatRange
	}
	return value, nil
}

// namedFloat returns the number that has a name instead of digits.
func namedFloat(name []byte) (float64, error) {
	switch string(name) {
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	return 0, errWrongKind
}
