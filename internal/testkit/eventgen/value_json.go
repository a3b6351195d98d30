package eventgen

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Placeholder is the word that Debezium sends for an unavailable value, unless
// configured otherwise.
const Placeholder = "__debezium_unavailable_value"

// Unavailable is the value of a Text, JSON or Bytea column that did not change
// and is stored out of line (TOAST), so that Debezium doesn't have it.
type Unavailable struct{}

// appendValue appends the JSON of a column's value.
func appendValue(dst []byte, c Column, value any) ([]byte, error) {
	if value == nil {
		return append(dst, "null"...), nil
	}
	switch v := value.(type) {
	case Unavailable:
		return appendUnavailable(dst, c)
	case int64:
		if c.Kind == SmallInt || c.Kind == Integer || c.Kind == BigInt {
			return strconv.AppendInt(dst, v, 10), nil
		}
	case float64:
		if c.Kind == Real || c.Kind == Double {
			return appendFloat(dst, v), nil
		}
	case bool:
		if c.Kind == Boolean {
			return strconv.AppendBool(dst, v), nil
		}
	case []byte:
		if c.Kind == Bytea {
			return appendBase64(dst, v), nil
		}
	case time.Time:
		return appendTime(dst, c, v)
	case string:
		return appendText(dst, c, v)
	}
	return nil, fmt.Errorf("column %s: a %T is no value of a %s column", c.Name, value, c.Kind.connectSchema().name)
}

func appendUnavailable(dst []byte, c Column) ([]byte, error) {
	switch c.Kind {
	case Text, JSON:
		return appendString(dst, Placeholder)
	case Bytea:
		return appendBase64(dst, []byte(Placeholder)), nil
	}
	return nil, fmt.Errorf("column %s: a %s is never unavailable", c.Name, c.Kind.connectSchema().name)
}

func appendTime(dst []byte, c Column, v time.Time) ([]byte, error) {
	switch c.Kind {
	case Date:
		const day = 24 * 60 * 60
		return strconv.AppendInt(dst, int64(math.Floor(float64(v.Unix())/day)), 10), nil
	case Timestamp:
		return strconv.AppendInt(dst, v.UnixMicro(), 10), nil
	case TimestampTZ:
		return v.UTC().AppendFormat(dst, `"2006-01-02T15:04:05.000000Z"`), nil
	}
	return nil, fmt.Errorf("column %s: a time is no value of a %s column", c.Name, c.Kind.connectSchema().name)
}

func appendText(dst []byte, c Column, v string) ([]byte, error) {
	switch c.Kind {
	case Text, UUID, JSON:
		return appendString(dst, v)
	case Decimal, Numeric:
		unscaled, scale, err := parseDecimal(v)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		if c.Kind == Numeric {
			dst = append(dst, `{"scale":`...)
			dst = strconv.AppendInt(dst, int64(scale), 10)
			dst = append(dst, `,"value":`...)
			return append(appendBase64(dst, twosComplement(unscaled)), '}'), nil
		}
		if scale > c.Scale {
			return nil, fmt.Errorf("column %s: %s has more than %d digits behind the point", c.Name, v, c.Scale)
		}
		power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.Scale-scale)), nil)
		return appendBase64(dst, twosComplement(unscaled.Mul(unscaled, power))), nil
	}
	return nil, fmt.Errorf("column %s: a string is no value of a %s column", c.Name, c.Kind.connectSchema().name)
}

// appendFloat writes NaN and the infinities, for which JSON has no numbers, as
// strings, like Connect's converter.
func appendFloat(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// appendString appends a JSON string. Most need no escape.
func appendString(dst []byte, v string) ([]byte, error) {
	for i := range len(v) {
		if c := v[i]; c < ' ' || c == '"' || c == '\\' || c > '~' {
			quoted, err := json.Marshal(v)
			return append(dst, quoted...), err
		}
	}
	dst = append(dst, '"')
	dst = append(dst, v...)
	return append(dst, '"'), nil
}

func appendBase64(dst, v []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, v)
	return append(dst, '"')
}

// parseDecimal splits a decimal into unscaled value and scale: "-12.50" is -1250 and 2.
func parseDecimal(text string) (unscaled *big.Int, scale int, err error) {
	whole, fraction, _ := strings.Cut(text, ".")
	unscaled, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return nil, 0, fmt.Errorf("%q is no decimal number", text)
	}
	return unscaled, len(fraction), nil
}

// twosComplement returns the shortest big-endian form of v, as Java's
// BigInteger.toByteArray does.
func twosComplement(v *big.Int) []byte {
	if v.Sign() >= 0 {
		octets := v.Bytes()
		if len(octets) == 0 || octets[0] >= 0x80 {
			octets = slices.Insert(octets, 0, 0)
		}
		return octets
	}
	// -v-1 has the same bits, inverted.
	octets := new(big.Int).Not(v).Bytes()
	if len(octets) == 0 || octets[0] >= 0x80 {
		octets = slices.Insert(octets, 0, 0)
	}
	for i := range octets {
		octets[i] = ^octets[i]
	}
	return octets
}
