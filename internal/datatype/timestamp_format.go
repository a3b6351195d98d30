package datatype

import (
	"math"
	"strconv"
)

// TimestampStyle is the notation of a timestamp.
type TimestampStyle struct {
	// Separator date and time: a blank in PostgreSQL's text, T in its JSON.
	Separator byte
	// Zone follows the time: empty for a timestamp without one.
	Zone string
}

// AppendDateText appends the text of a date in days since 2000-01-01, as in
// PostgreSQL's binary format.
func AppendDateText(dst []byte, days int32) []byte {
	switch days {
	case math.MinInt32:
		return append(dst, "-infinity"...)
	case math.MaxInt32:
		return append(dst, "infinity"...)
	}
	dst, beforeChrist := appendCivil(dst, int64(days)+daysTo2000)
	if beforeChrist {
		dst = append(dst, " BC"...)
	}
	return dst
}

// AppendTimestampText appends the text of a timestamp in microseconds since
// 2000-01-01, as in PostgreSQL's binary format.
func AppendTimestampText(dst []byte, micros int64, style TimestampStyle) []byte {
	switch micros {
	case math.MinInt64:
		return append(dst, "-infinity"...)
	case math.MaxInt64:
		return append(dst, "infinity"...)
	}
	days := micros / microsPerDay
	micros %= microsPerDay
	if micros < 0 {
		micros += microsPerDay
		days--
	}
	dst, beforeChrist := appendCivil(dst, days+daysTo2000)
	dst = append(dst, style.Separator)
	dst = AppendTimeText(dst, micros)
	dst = append(dst, style.Zone...)
	if beforeChrist {
		dst = append(dst, " BC"...)
	}
	return dst
}

// AppendTimeText appends the text of a time in microseconds since midnight.
func AppendTimeText(dst []byte, micros int64) []byte {
	seconds := micros / 1000000
	dst = appendPadded(dst, seconds/3600, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, seconds/60%60, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, seconds%60, 2)
	return appendFraction(dst, micros%1000000)
}

// appendCivil appends year, month and day, and reports whether the year counts
// backwards from Christ.
func appendCivil(dst []byte, days int64) ([]byte, bool) {
	year, month, day := civilDate(days)
	beforeChrist := year <= 0
	if beforeChrist {
		year = 1 - year
	}
	dst = appendPadded(dst, int64(year), 4)
	dst = append(dst, '-')
	dst = appendPadded(dst, int64(month), 2)
	dst = append(dst, '-')
	return appendPadded(dst, int64(day), 2), beforeChrist
}

// appendFraction appends microseconds behind a point, without trailing zeros,
// or nothing.
func appendFraction(dst []byte, micros int64) []byte {
	if micros == 0 {
		return dst
	}
	dst = append(dst, '.')
	dst = appendPadded(dst, micros, 6)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendZone appends a time zone that is west seconds west of UTC.
func appendZone(dst []byte, west int32) []byte {
	sign := byte('+')
	seconds := -int64(west)
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	dst = append(dst, sign)
	dst = appendPadded(dst, seconds/3600, 2)
	if seconds%3600 != 0 {
		dst = append(dst, ':')
		dst = appendPadded(dst, seconds/60%60, 2)
	}
	if seconds%60 != 0 {
		dst = append(dst, ':')
		dst = appendPadded(dst, seconds%60, 2)
	}
	return dst
}

// appendPadded appends a number that is not negative with at least width
// digits.
func appendPadded(dst []byte, number int64, width int) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], number, 10)
	for pad := width - len(text); pad > 0; pad-- {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}
