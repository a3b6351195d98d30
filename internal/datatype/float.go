package datatype

import (
	"math"
	"math/big"
	"strconv"
)

// AppendDouble appends the text of a double precision: the shortest digits
// that are read back as the same number, as PostgreSQL prints them.
func AppendDouble(dst []byte, value float64) []byte {
	return appendFloat(dst, value, 64)
}

// AppendReal appends the text of a real.
func AppendReal(dst []byte, value float32) []byte {
	return appendFloat(dst, float64(value), 32)
}

// appendFloat prints like PostgreSQL's Ryu: plainly where the exponent is at
// least -4 and less than the digits that the type always keeps.
// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/common/d2s.c
func appendFloat(dst []byte, value float64, bits int) []byte {
	switch {
	case math.IsNaN(value):
		return append(dst, "NaN"...)
	case math.IsInf(value, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(value, -1):
		return append(dst, "-Infinity"...)
	}
	if isPlain(math.Abs(value), bits) {
		return strconv.AppendFloat(dst, value, 'f', -1, bits)
	}
	for digits := -1; ; digits++ {
		mark := len(dst)
		dst = strconv.AppendFloat(dst, value, 'e', digits, bits)
		if !isOnBoundary(string(dst[mark:]), value, bits) {
			return dst
		}
		if digits < 0 {
			digits = significandDigits(dst[mark:]) - 1
		}
		dst = dst[:mark]
	}
}

// isPlain reports whether a number that is not negative is printed without an
// exponent.
func isPlain(magnitude float64, bits int) bool {
	if bits == 32 {
		// The nearest real to 0.0001 is less than that, but prints as 0.0001.
		return magnitude == 0 || float32(magnitude) >= 1e-4 && magnitude < 1e6
	}
	return magnitude == 0 || magnitude >= 1e-4 && magnitude < 1e15
}

// significandDigits counts the digits before the exponent.
func significandDigits(text []byte) int {
	count := 0
	for _, c := range text {
		if c == 'e' {
			break
		}
		if c >= '0' && c <= '9' {
			count++
		}
	}
	return count
}

// isOnBoundary reports whether text is exactly halfway between value and a neighbour. A reader that
// rounds halves to even reads it as value, and Go prints it; PostgreSQL does not rely on the reader
// and prints one more digit. Only numbers so large that their neighbours are integers can be
// affected.
func isOnBoundary(text string, value float64, bits int) bool {
	magnitude := math.Abs(value)
	if bits == 32 && magnitude < 1<<22 || bits == 64 && magnitude < 1<<52 {
		return false
	}
	const precision = 1100
	printed, _, err := big.ParseFloat(text, 10, precision, big.ToNearestEven)
	if err != nil {
		return false
	}
	for _, direction := range []float64{math.Inf(1), math.Inf(-1)} {
		neighbour := math.Nextafter(value, direction)
		if bits == 32 {
			neighbour = float64(math.Nextafter32(float32(value), float32(direction)))
		}
		if math.IsInf(neighbour, 0) {
			continue
		}
		sum := new(big.Float).SetPrec(precision).SetFloat64(value)
		sum.Add(sum, new(big.Float).SetFloat64(neighbour))
		if sum.Quo(sum, big.NewFloat(2)).Cmp(printed) == 0 {
			return true
		}
	}
	return false
}
