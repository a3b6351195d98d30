package debezium

import (
	"encoding/base64"
	"errors"
	"strconv"

	"metadb/internal/change"
)

// octets converts bytea, which arrives as base64.
type octets struct{}

// errBase64 is the error for bytes that are not valid base64.
var errBase64 = errors.New("the bytes are not valid base64")

func (octets) convert(c *conversion, s *scanner, row change.Row) (change.Row, error) {
	value, err := c.bytes(s)
	if err != nil {
		return nil, err
	}
	if c.nested == 0 && c.placeholder.isBytes(value) {
		return change.AppendUnavailable(row), nil
	}
	return change.AppendValue(row, value), nil
}

// bytes passes a string of base64 and returns the bytes, valid until the next
// call.
func (c *conversion) bytes(s *scanner) ([]byte, error) {
	encoded, err := c.string(s)
	if err != nil {
		return nil, err
	}
	if c.octet, err = base64.StdEncoding.Strict().AppendDecode(c.octet[:0], encoded); err != nil {
		return nil, errBase64
	}
	return c.octet, nil
}

// bitString converts bit(n) and varbit to their zeros and ones. The bytes are
// little-endian and have no zeros at the end, so that the length of a varbit
// and its leading zeros are lost before they come here.
type bitString struct {
	// length is that of a bit(n), zero for a varbit of any length.
	length int
}

// unlimitedBits is the length that Debezium gives for a varbit without one.
const unlimitedBits = 2147483647

// bitsTarget chooses the converter for bits. The schemas of a varbit with a limit
// and of a bit(n) are equal, so both are converted as bit(n).
func bitsTarget(s *schema) (target, bool) {
	length, err := strconv.Atoi(s.Parameters["length"])
	if err != nil || length < 0 {
		return target{}, false
	}
	if length == unlimitedBits {
		length = 0
	}
	return target{convert: bitString{length: length}, typ: change.Text}, true
}

// maxBits is the longest bit string that PostgreSQL has.
const maxBits = 83886080

func (b bitString) convert(c *conversion, s *scanner, row change.Row) (change.Row, error) {
	value, err := c.bytes(s)
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
	row, mark := change.Begin(row)
	for i := count - 1; i >= 0; i-- {
		if i < highest && bitAt(value, i) {
			row = append(row, '1')
		} else {
			row = append(row, '0')
		}
	}
	return change.End(row, mark), nil
}

// bitAt returns bit i of a little-endian value.
func bitAt(value []byte, i int) bool { return value[i/8]>>(i%8)&1 == 1 }
