package eventgen

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// ParseValue turns the text of a value, written as PostgreSQL prints it, into the Go
// value of a kind.
func ParseValue(kind Kind, text string) (any, error) {
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

// FormatValue returns the text of a value as PostgreSQL prints it with UTC. It is the
// reverse of ParseValue. A json is unchanged; PostgreSQL prints jsonb with other blanks.
func FormatValue(kind Kind, value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	case []byte:
		return `\x` + hex.EncodeToString(v), nil
	case time.Time:
		switch kind {
		case Date:
			return v.Format(time.DateOnly), nil
		case Timestamp:
			return v.Format("2006-01-02 15:04:05.999999"), nil
		case TimestampTZ:
			return v.UTC().Format("2006-01-02 15:04:05.999999+00"), nil
		}
	}
	return "", fmt.Errorf("a %T is no value of a %s column", value, kind.connectSchema().name)
}
