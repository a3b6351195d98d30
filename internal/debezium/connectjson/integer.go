package connectjson

import (
	"encoding/binary"
	"errors"
	"strconv"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// integerConverter converts the integer types of one width, in bytes.
type integerConverter struct{ width int }

// The three widths.
var (
	smallIntConverter = integerConverter{width: 2}
	int32Converter    = integerConverter{width: 4}
	bigIntConverter   = integerConverter{width: 8}
)

func (i integerConverter) convertValue(_ *conversionState, s *scanner, row change.Row) (change.Row, error) {
	value, err := s.scanInteger()
	if err != nil {
		return nil, err
	}
	row = binary.BigEndian.AppendUint32(row, uint32(i.width))
	switch i.width {
	case 2:
		if value != int64(int16(value)) {
			return nil, debezium.ErrIntegerRange
		}
		return binary.BigEndian.AppendUint16(row, uint16(value)), nil
	case 4:
		if value != int64(int32(value)) {
			return nil, debezium.ErrIntegerRange
		}
		return binary.BigEndian.AppendUint32(row, uint32(value)), nil
	}
	return binary.BigEndian.AppendUint64(row, uint64(value)), nil
}

// scanInteger passes a number without fraction and exponent.
func (s *scanner) scanInteger() (int64, error) {
	switch s.peek() {
	case '"', '{', '[', 't', 'f', 'n':
		return 0, errWrongKind
	}
	if value, ok := s.scanShortInteger(); ok {
		return value, nil
	}
	text, err := s.scanNumber()
	if err != nil {
		return 0, err
	}
	value, err := strconv.ParseInt(string(text), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, debezium.ErrIntegerRange
	case err != nil:
		return 0, errWrongKind
	}
	return value, nil
}

// scanShortInteger passes an integer of at most 18 digits, which fits 64 bits. It
// reports false and passes nothing before any other text.
func (s *scanner) scanShortInteger() (int64, bool) {
	const most = 18 // digits
	data := s.data[s.pos:]
	at := 0
	if len(data) > 0 && data[0] == '-' {
		at = 1
	}
	first, value := at, int64(0)
	for at < len(data) && data[at]-'0' <= 9 {
		value = value*10 + int64(data[at]-'0')
		at++
	}
	count := at - first
	if count == 0 || count > most || count > 1 && data[first] == '0' {
		return 0, false
	}
	if at < len(data) && (data[at] == '.' || data[at]|0x20 == 'e') {
		return 0, false
	}
	s.pos += at
	if first == 1 {
		return -value, true
	}
	return value, true
}
