package datatype

import (
	"encoding/binary"
	"math"

	"metadb/internal/change"
)

// KeyBytes appends the canonical form of one cell of a key to dst: two cells of
// the same type have the same form where PostgreSQL's = says that their values
// are equal (1.0 and 1.00, 0 and -0, one month and 30 days), and NULL has the
// form of NULL. The forms delimit themselves, so that those of a key of several
// columns can be put behind one another.
//
// Texts that a nondeterministic collation holds for equal have different forms.
func KeyBytes(dst []byte, t change.Type, cell change.Cell) []byte {
	dst = append(dst, byte(cell.State))
	if cell.State != change.Present {
		return dst
	}
	mark := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendCanonical(dst, t, cell.Bytes)
	binary.BigEndian.PutUint32(dst[mark:], uint32(len(dst)-mark-4))
	return dst
}

// KeyTextBytes is [KeyBytes] for a value that is stored as text: two cells have
// the same form where PostgreSQL casts both to the same text, 1.0 and 1.00 not.
func KeyTextBytes(dst []byte, t change.Type, cell change.Cell) []byte {
	if t == change.JSONB || t == change.Real || t == change.Double {
		// Of all other types no two values print alike.
		if text, err := Format(t, cell); err == nil {
			cell.Bytes = []byte(text)
		}
	}
	return KeyBytes(dst, change.Text, cell)
}

// appendCanonical appends the one form of all values that equal value.
func appendCanonical(dst []byte, t change.Type, value []byte) []byte {
	switch {
	case t == change.Real && len(value) == 4:
		float := float64(math.Float32frombits(binary.BigEndian.Uint32(value)))
		return binary.BigEndian.AppendUint64(dst, canonicalFloat(float))
	case t == change.Double && len(value) == 8:
		float := math.Float64frombits(binary.BigEndian.Uint64(value))
		return binary.BigEndian.AppendUint64(dst, canonicalFloat(float))
	case t == change.Numeric && len(value) >= numericHeader:
		return appendCanonicalNumeric(dst, value)
	case t == change.Interval && len(value) == intervalLength:
		return appendCanonicalInterval(dst, value)
	case t == change.JSONB:
		return appendCanonicalJSONB(dst, value)
	}
	return append(dst, value...)
}

// canonicalFloat makes one zero and one NaN of many.
func canonicalFloat(float float64) uint64 {
	switch {
	case float == 0:
		return 0
	case math.IsNaN(float):
		return math.Float64bits(math.NaN())
	}
	return math.Float64bits(float)
}

// appendCanonicalNumeric leaves the display scale out. The digits need no care:
// neither PostgreSQL nor this package sends groups of zeros at either end.
func appendCanonicalNumeric(dst, value []byte) []byte {
	dst = append(dst, value[:numericHeader-2]...)
	return append(dst, value[numericHeader:]...)
}

// appendCanonicalInterval follows interval_cmp_value: a month has 30 days, a
// day 24 hours.
func appendCanonicalInterval(dst, value []byte) []byte {
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
