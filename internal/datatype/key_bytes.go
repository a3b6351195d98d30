package datatype

import (
	"encoding/binary"
	"math"

	"metadb/internal/change"
)

// KeyBytes appends the canonical form of one cell of a key to dst: two cells of the same type have
// the same form where PostgreSQL's = makes their values equal (1.0 and 1.00, 0 and -0, one month
// and 30 days), and NULL has the form of NULL. The forms delimit themselves, so that those of a
// key's columns can be concatenated.
//
// Texts that are equal only in a nondeterministic collation have different forms.
func KeyBytes(dst []byte, t change.Type, cell change.Cell) []byte {
	dst = append(dst, byte(cell.State))
	if cell.State != change.Present {
		return dst
	}
	mark := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	if info := infoOf(t); info.Equality == EqualValues {
		dst = info.appendCanonical(dst, cell.Bytes)
	} else {
		dst = append(dst, cell.Bytes...)
	}
	binary.BigEndian.PutUint32(dst[mark:], uint32(len(dst)-mark-4))
	return dst
}

// KeyTextBytes is [KeyBytes] for a value that is stored as text: two cells have
// the same form where PostgreSQL casts both to the same text, 1.0 and 1.00 not.
func KeyTextBytes(dst []byte, t change.Type, cell change.Cell) []byte {
	if infoOf(t).Print == PrintLossy {
		if text, err := Format(t, cell); err == nil {
			cell.Bytes = []byte(text)
		}
	}
	return KeyBytes(dst, change.Text, cell)
}

// appendBytes appends a value as it is.
func appendBytes(dst, value []byte) []byte { return append(dst, value...) }

func appendCanonicalReal(dst, value []byte) []byte {
	if len(value) != 4 {
		return append(dst, value...)
	}
	float := float64(math.Float32frombits(binary.BigEndian.Uint32(value)))
	return binary.BigEndian.AppendUint64(dst, canonicalFloat(float))
}

func appendCanonicalDouble(dst, value []byte) []byte {
	if len(value) != 8 {
		return append(dst, value...)
	}
	float := math.Float64frombits(binary.BigEndian.Uint64(value))
	return binary.BigEndian.AppendUint64(dst, canonicalFloat(float))
}

// canonicalFloat returns the bits of a number, with one zero and one NaN.
func canonicalFloat(float float64) uint64 {
	switch {
	case float == 0:
		return 0
	case math.IsNaN(float):
		return math.Float64bits(math.NaN())
	}
	return math.Float64bits(float)
}

// appendCanonicalNumeric appends a numeric without its display scale. Its digits are canonical
// already: neither PostgreSQL nor this package writes groups of zeros at either end.
func appendCanonicalNumeric(dst, value []byte) []byte {
	if len(value) < numericHeader {
		return append(dst, value...)
	}
	dst = append(dst, value[:numericHeader-2]...)
	return append(dst, value[numericHeader:]...)
}

// appendCanonicalInterval follows interval_cmp_value: a month has 30 days, a
// day 24 hours.
func appendCanonicalInterval(dst, value []byte) []byte {
	if len(value) != intervalLength {
		return append(dst, value...)
	}
	micros, days, months := splitInterval(value)
	whole := int64(months)*30 + int64(days)
	whole += micros / microsPerDay
	micros %= microsPerDay
	if micros < 0 {
		micros += microsPerDay
		whole--
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(whole))
	return binary.BigEndian.AppendUint64(dst, uint64(micros))
}
