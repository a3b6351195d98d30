package debezium

import (
	"encoding/binary"
	"errors"
	"math"

	"metadb/internal/change"
)

// integers converts the integer types of one width, in bytes.
type integers struct{ width int }

// The three widths.
var (
	smallInt = integers{width: 2}
	integer  = integers{width: 4}
	bigInt   = integers{width: 8}
)

// errIntegerRange says that an integer doesn't fit its type.
var errIntegerRange = errors.New("the integer is too large for its type")

func (i integers) convert(_ *conversion, s *scanner, row change.Row) (change.Row, error) {
	value, err := s.integer()
	if err != nil {
		return nil, err
	}
	row = binary.BigEndian.AppendUint32(row, uint32(i.width))
	switch i.width {
	case 2:
		if value != int64(int16(value)) {
			return nil, errIntegerRange
		}
		return binary.BigEndian.AppendUint16(row, uint16(value)), nil
	case 4:
		if value != int64(int32(value)) {
			return nil, errIntegerRange
		}
		return binary.BigEndian.AppendUint32(row, uint32(value)), nil
	}
	return binary.BigEndian.AppendUint64(row, uint64(value)), nil
}

// integer passes a number without fraction and exponent.
func (s *scanner) integer() (int64, error) {
	switch s.peek() {
	case '"', '{', '[', 't', 'f', 'n':
		return 0, errWrongKind
	}
	text, err := s.number()
	if err != nil {
		return 0, err
	}
	negative := text[0] == '-'
	if negative {
		text = text[1:]
	}
	var magnitude uint64
	for _, c := range text {
		digit := uint64(c - '0')
		if digit > 9 {
			return 0, errWrongKind
		}
		if magnitude > (math.MaxInt64+1-digit)/10 {
			return 0, errIntegerRange
		}
		magnitude = magnitude*10 + digit
	}
	if negative {
		return -int64(magnitude), nil
	}
	if magnitude > math.MaxInt64 {
		return 0, errIntegerRange
	}
	return int64(magnitude), nil
}
