package datatype

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// The layout of a numeric in binary: number of base-10000 digits, weight of the
// first, sign and display scale, two bytes each, then the digits.
// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/numeric.c (numeric_send)
const (
	numericHeader   = 8
	numericNegative = 0x4000
	numericNaN      = 0xC000
	numericPInf     = 0xD000
	numericNInf     = 0xF000
	// digitsPerGroup decimal digits make one digit of base 10000.
	digitsPerGroup = 4
)

// The digits that a numeric may have before and behind the point.
const (
	maxNumericBefore = 131072
	maxNumericBehind = 16383
)

// AppendNumericNaN appends the numeric NaN.
func AppendNumericNaN(dst []byte) []byte {
	return append(dst, 0, 0, 0, 0, numericNaN>>8, 0, 0, 0)
}

// AppendNumericInf appends the numeric Infinity, -Infinity if negative.
func AppendNumericInf(dst []byte, negative bool) []byte {
	if negative {
		return append(dst, 0, 0, 0, 0, numericNInf>>8, 0, 0, 32)
	}
	return append(dst, 0, 0, 0, 0, numericPInf>>8, 0, 0, 32)
}

// AppendNumericInt appends the numeric unscaled × 10^-scale.
func AppendNumericInt(dst []byte, unscaled int64, scale int) ([]byte, error) {
	var text [20]byte
	digits := strconv.AppendInt(text[:0], unscaled, 10)
	if unscaled < 0 {
		return appendNumericDigits(dst, true, digits[1:], scale)
	}
	return appendNumericDigits(dst, false, digits, scale)
}

// AppendNumericBig is AppendNumericInt for a number of any size.
func AppendNumericBig(dst []byte, unscaled *big.Int, scale int) ([]byte, error) {
	digits := unscaled.Append(nil, 10)
	if unscaled.Sign() < 0 {
		return appendNumericDigits(dst, true, digits[1:], scale)
	}
	return appendNumericDigits(dst, false, digits, scale)
}

// AppendNumericText appends the numeric that text says: an optional sign,
// digits, an optional fraction and an optional exponent, as JSON and PostgreSQL
// write numbers. The fraction's trailing zeros are kept.
func AppendNumericText(dst []byte, text string) ([]byte, error) {
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(text), "e")
	power := 0
	if hasExponent {
		var err error
		if power, err = strconv.Atoi(exponent); err != nil {
			return nil, fmt.Errorf("%.40q is no number", text)
		}
	}
	unsigned := strings.TrimLeft(mantissa, "+-")
	if len(mantissa)-len(unsigned) > 1 {
		return nil, fmt.Errorf("%.40q is no number", text)
	}
	before, behind, _ := strings.Cut(unsigned, ".")
	digits := before + behind
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return nil, fmt.Errorf("%.40q is no number", text)
	}
	// Beyond these the number can't be stored, and the sum can't overflow.
	if power < -math.MaxInt32 || power > math.MaxInt32 {
		return nil, errNumericRange
	}
	return appendNumericDigits(dst, strings.HasPrefix(mantissa, "-"), []byte(digits), len(behind)-power)
}

// errNumericRange is the error for a number beyond PostgreSQL's limits, which would otherwise come
// from PostgreSQL.
var errNumericRange = errors.New("the number has more than 131072 digits before or 16383 behind the point")

// appendNumericDigits appends the numeric that has the given decimal digits,
// the last scale of them behind the point.
func appendNumericDigits(dst []byte, negative bool, digits []byte, scale int) ([]byte, error) {
	for len(digits) > 0 && digits[0] == '0' {
		digits = digits[1:]
	}
	if scale > maxNumericBehind || len(digits) > 0 && len(digits)-scale > maxNumericBefore {
		return nil, errNumericRange
	}
	shown := max(scale, 0)
	kept := len(digits)
	for kept > 0 && digits[kept-1] == '0' {
		kept--
	}
	// point is the number of digits before the point, negative if zeros
	// follow it; pad completes the first group to the left.
	point := len(digits) - scale
	digits = digits[:kept]
	weight, pad := 0, 0
	if kept == 0 {
		negative = false
	} else {
		weight = floorDiv(point-1, digitsPerGroup)
		pad = (weight+1)*digitsPerGroup - point
	}
	groups := (pad + kept + digitsPerGroup - 1) / digitsPerGroup
	sign := uint16(0)
	if negative {
		sign = numericNegative
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(groups))
	dst = binary.BigEndian.AppendUint16(dst, uint16(int16(weight)))
	dst = binary.BigEndian.AppendUint16(dst, sign)
	dst = binary.BigEndian.AppendUint16(dst, uint16(shown))
	for at := -pad; at < kept; at += digitsPerGroup {
		group := uint16(0)
		for i := at; i < at+digitsPerGroup; i++ {
			group *= 10
			if i >= 0 && i < kept {
				group += uint16(digits[i] - '0')
			}
		}
		dst = binary.BigEndian.AppendUint16(dst, group)
	}
	return dst, nil
}

// floorDiv divides and rounds toward negative infinity.
func floorDiv(a, b int) int {
	quotient := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		quotient--
	}
	return quotient
}

// formatNumeric is numeric_out.
func formatNumeric(value []byte) (string, error) {
	if len(value) < numericHeader {
		return "", fmt.Errorf("%d bytes are no numeric", len(value))
	}
	groups := int(binary.BigEndian.Uint16(value))
	weight := int(int16(binary.BigEndian.Uint16(value[2:])))
	scale := int(binary.BigEndian.Uint16(value[6:]))
	sign := binary.BigEndian.Uint16(value[4:])
	switch sign {
	case numericNaN:
		return "NaN", nil
	case numericPInf:
		return "Infinity", nil
	case numericNInf:
		return "-Infinity", nil
	}
	if len(value) != numericHeader+2*groups || scale > maxNumericBehind {
		return "", fmt.Errorf("%d bytes are no numeric of %d digits", len(value), groups)
	}
	group := func(i int) string {
		if i < 0 || i >= groups {
			return "0000"
		}
		return fmt.Sprintf("%04d", binary.BigEndian.Uint16(value[numericHeader+2*i:]))
	}
	var before, behind strings.Builder
	for i := 0; i <= weight; i++ {
		before.WriteString(group(i))
	}
	for i := weight + 1; behind.Len() < scale; i++ {
		behind.WriteString(group(i))
	}
	text := strings.TrimLeft(before.String(), "0")
	if text == "" {
		text = "0"
	}
	if scale > 0 {
		text += "." + behind.String()[:scale]
	}
	if sign == numericNegative {
		text = "-" + text
	}
	return text, nil
}

// NumericFits reports whether a numeric can hold a number, given as the text of a JSON number.
func NumericFits(text []byte) bool {
	if len(text) < maxNumericBehind && !bytes.ContainsAny(text, "eE") {
		return true
	}
	_, err := AppendNumericText(nil, string(text))
	return err == nil
}
