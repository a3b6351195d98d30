package connectjson

import (
	"errors"
	"math/big"
	"strconv"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// decimalConverter converts numbers whose scale is in the schema.
type decimalConverter struct{ scale int }

// paddedScale is the scale above which trailing zeros are not the source's:
// Debezium sends a negative scale as an unsigned number of 11 bits, -2 as 2046.
const paddedScale = 1000

// maxDecimalScale bounds the scales that are computed with; PostgreSQL's own
// limits are narrower.
const maxDecimalScale = 1 << 20

// errDecimal says that a number is not written as it has to be.
var errDecimal = errors.New("the number is not a decimal of two's complement bytes and a scale")

// decimalTarget chooses the converter for a decimal.
func decimalTarget(s *schema) (columnTarget, bool) {
	scale, err := strconv.Atoi(s.Parameters["scale"])
	if err != nil || scale < -maxDecimalScale || scale > maxDecimalScale {
		return columnTarget{}, false
	}
	return columnTarget{converter: decimalConverter{scale: scale}, typ: change.Numeric}, true
}

func (d decimalConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	if kind := s.peek(); kind == '-' || kind-'0' <= 9 {
		return convertDecimalNumber(s, row)
	}
	unscaled, err := c.readBytes(s)
	if err != nil {
		return nil, err
	}
	return appendDecimal(row, unscaled, d.scale)
}

// convertDecimalNumber converts a decimal that is written as a number: by a JSON
// converter with decimal.format=NUMERIC, and in __debezium.oldkey.
func convertDecimalNumber(s *scanner, row change.Row) (change.Row, error) {
	number, err := s.scanNumber()
	if err != nil {
		return nil, err
	}
	row, mark := change.BeginCell(row)
	if row, err = datatype.AppendNumericText(row, string(number)); err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}

// variableDecimalConverter converts a numeric without precision: a struct of scale and
// value.
type variableDecimalConverter struct{}

func (variableDecimalConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() != '{' {
		return nil, errWrongKind
	}
	var scale int64
	var unscaled []byte
	seen := ""
	more, err := s.openContainer('{', '}')
	for more && err == nil {
		var name []byte
		if name, err = s.scanName(); err != nil {
			return nil, err
		}
		switch string(name) {
		case "scale":
			scale, err = s.scanInteger()
			seen += "s"
		case "value":
			unscaled, err = c.readBytes(s)
			seen += "v"
		default:
			_, err = s.skipValue()
		}
		if err != nil {
			return nil, err
		}
		more, err = s.nextElement('}')
	}
	if err != nil {
		return nil, err
	}
	if seen != "sv" && seen != "vs" || scale < -maxDecimalScale || scale > maxDecimalScale {
		return nil, errDecimal
	}
	return appendDecimal(row, unscaled, int(scale))
}

// appendDecimal appends the numeric that is unscaled, in two's complement with
// the highest byte first, times 10^-scale.
func appendDecimal(row change.Row, unscaled []byte, scale int) (change.Row, error) {
	if len(unscaled) == 0 {
		return nil, errDecimal
	}
	row, mark := change.BeginCell(row)
	var err error
	if len(unscaled) <= 8 && scale <= paddedScale {
		value := int64(int8(unscaled[0]))
		for _, b := range unscaled[1:] {
			value = value<<8 | int64(b)
		}
		row, err = datatype.AppendNumericInt(row, value, scale)
	} else {
		row, err = appendBigDecimal(row, unscaled, scale)
	}
	if err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}

// maxDecimalBytes bounds the unscaled value, in bytes. It exceeds every number
// that PostgreSQL holds, so that longer ones are rejected without computing.
const maxDecimalBytes = 64 * 1024

// appendBigDecimal is appendDecimal for numbers of any size.
func appendBigDecimal(row change.Row, unscaled []byte, scale int) (change.Row, error) {
	if len(unscaled) > maxDecimalBytes {
		return nil, errDecimal
	}
	value := new(big.Int).SetBytes(unscaled)
	if unscaled[0]&0x80 != 0 {
		value.Sub(value, new(big.Int).Lsh(big.NewInt(1), uint(len(unscaled))*8))
	}
	if scale > paddedScale {
		scale = stripZeros(value, scale)
	}
	return datatype.AppendNumericBig(row, value, scale)
}

// stripZeros divides value by ten as long as it can be and the scale allows it,
// and returns the scale that is left.
func stripZeros(value *big.Int, scale int) int {
	digits := value.Text(10)
	zeros := 0
	for zeros < len(digits)-1 && zeros < scale && digits[len(digits)-1-zeros] == '0' {
		zeros++
	}
	if value.Sign() == 0 {
		return 0
	}
	value.Quo(value, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(zeros)), nil))
	return scale - zeros
}
