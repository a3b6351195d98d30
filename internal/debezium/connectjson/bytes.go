package connectjson

import (
	"encoding/base64"
	"errors"
	"strconv"

	"metadb/internal/change"
)

// bytesConverter converts bytea, which arrives as base64.
type bytesConverter struct{}

// errBase64 is the error for bytes that are not valid base64.
var errBase64 = errors.New("the bytes are not valid base64")

func (bytesConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	value, err := c.readBytes(s)
	if err != nil {
		return nil, err
	}
	if c.nested == 0 && c.placeholder.isBytes(value) {
		return change.AppendUnavailable(row), nil
	}
	return change.AppendValue(row, value), nil
}

// readBytes passes a string of base64 and returns the bytes, valid until the next
// call.
func (c *conversionState) readBytes(s *scanner) ([]byte, error) {
	encoded, err := c.readString(s)
	if err != nil {
		return nil, err
	}
	if c.byteBuffer, err = base64.StdEncoding.Strict().AppendDecode(c.byteBuffer[:0], encoded); err != nil {
		return nil, errBase64
	}
	return c.byteBuffer, nil
}

// bitStringConverter converts bit(n) and varbit to their zeros and ones. The bytes are
// little-endian and have no zeros at the end, so that the length of a varbit
// and its leading zeros are lost before they come here.
type bitStringConverter struct {
	// length is that of a bit(n), zero for a varbit of any length.
	length int
}

// unlimitedBits is the length that Debezium gives for a varbit without one.
const unlimitedBits = 2147483647

// bitsTarget chooses the converter for bits. The schemas of a varbit with a limit
// and of a bit(n) are equal, so both are converted as bit(n).
func bitsTarget(s *schema) (columnTarget, bool) {
	length, err := strconv.Atoi(s.Parameters["length"])
	if err != nil || length < 0 {
		return columnTarget{}, false
	}
	if length == unlimitedBits {
		length = 0
	}
	return columnTarget{converter: bitStringConverter{length: length}, typ: change.Text}, true
}

// maxBits is the longest bit string that PostgreSQL has.
const maxBits = 83886080

func (b bitStringConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	value, err := c.readBytes(s)
	if err != nil {
		return nil, err
	}
	if c.nested == 0 && c.placeholder.isBytes(value) {
		return change.AppendUnavailable(row), nil
	}
	highest := len(value) * 8
	for highest > 0 && !bitAt(value, highest-1) {
		highest--
	}
	count := max(b.length, highest)
	if b.length > 0 && highest > b.length || count > maxBits {
		return nil, errors.New("there are more bits than the type has")
	}
	row, mark := change.BeginCell(row)
	for i := count - 1; i >= 0; i-- {
		if i < highest && bitAt(value, i) {
			row = append(row, '1')
		} else {
			row = append(row, '0')
		}
	}
	return change.EndCell(row, mark), nil
}

// bitAt returns bit i of a little-endian value.
func bitAt(value []byte, i int) bool { return value[i/8]>>(i%8)&1 == 1 }
