package debezium

import (
	"errors"
	"math/big"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// paddedScale is the scale above which trailing zeros are not the source's:
// Debezium sends a negative scale as an unsigned number of 11 bits, -2 as 2046.
const paddedScale = 1000

// maxDecimalScale bounds the scales that are computed with; PostgreSQL's own
// limits are narrower.
const maxDecimalScale = 1 << 20

// ErrDecimal is the error for a number that is not written as it has to be.
var ErrDecimal = errors.New("the number is not a decimal of two's complement bytes and a scale")

// appendDigits converts a decimal that is written as a number: by a JSON converter with
// decimal.format=NUMERIC, and in __debezium.oldkey.
func appendDigits(row change.Row, digits []byte) (change.Row, error) {
	row, mark := change.BeginCell(row)
	row, err := datatype.AppendNumericText(row, string(digits))
	if err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}

// appendScaled converts a numeric without precision, which has its scale beside it.
func appendScaled(row change.Row, unscaled []byte, scale int64) (change.Row, error) {
	if scale < -maxDecimalScale || scale > maxDecimalScale {
		return nil, ErrDecimal
	}
	return appendDecimal(row, unscaled, int(scale))
}

// appendDecimal appends the numeric that is unscaled, in two's complement with
// the highest byte first, times 10^-scale.
func appendDecimal(row change.Row, unscaled []byte, scale int) (change.Row, error) {
	if len(unscaled) == 0 {
		return nil, ErrDecimal
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
		return nil, ErrDecimal
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
