package eventgen

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// Parse turns the text of a value, written as PostgreSQL prints it, into the Go
// value of a kind.
func Parse(kind Kind, text string) (any, error) {
	switch kind {
	case SmallInt, Integer, BigInt:
		return strconv.ParseInt(text, 10, 64)
	case Real, Double:
		return strconv.ParseFloat(text, 64)
	case Boolean:
		return strconv.ParseBool(text)
	case Date:
		return time.Parse(time.DateOnly, text)
	case Timestamp:
		return time.Parse("2006-01-02 15:04:05.999999", text)
	case TimestampTZ:
		return time.Parse("2006-01-02 15:04:05.999999Z07", text)
	case Bytea:
		if len(text) < 2 || text[:2] != `\x` {
			return nil, fmt.Errorf(`bytea %q does not begin with \x`, text)
		}
		return hex.DecodeString(text[2:])
	}
	return text, nil
}
