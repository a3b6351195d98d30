package connectjson

import (
	"encoding/base64"
	"errors"

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
	if c.nested == 0 && c.placeholder.IsBytes(value) {
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
