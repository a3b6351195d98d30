package debezium

import (
	"errors"

	"metadb/internal/datatype"
)

// errISO says that a text is not the date or time that its type promises.
var errISO = errors.New("the text is no date or time in ISO 8601")

// isoText reads dates and times in ISO 8601 from the beginning of a text. After
// a mistake it reads zeros, and complete reports false.
type isoText struct {
	rest   []byte
	failed bool
}

// isComplete reports whether everything was read without a mistake.
func (t *isoText) isComplete() bool { return !t.failed && len(t.rest) == 0 }

// expectByte passes the byte c.
func (t *isoText) expectByte(c byte) {
	if !t.acceptByte(c) {
		t.failed = true
	}
}

// acceptByte passes the byte c if it comes next, and reports whether it did.
func (t *isoText) acceptByte(c byte) bool {
	if len(t.rest) == 0 || t.rest[0] != c {
		return false
	}
	t.rest = t.rest[1:]
	return true
}

// readNumber passes from least to most digits.
func (t *isoText) readNumber(least, most int) int {
	value, count := 0, 0
	for count < most && len(t.rest) > 0 && t.rest[0]-'0' <= 9 {
		value = value*10 + int(t.rest[0]-'0')
		t.rest = t.rest[1:]
		count++
	}
	if count < least {
		t.failed = true
	}
	return value
}

// isoDay is a date; year 0 is 1 BC.
type isoDay struct{ year, month, day int }

// readDate passes a date: 2024-02-29, +12345-06-07, -0043-03-15.
func (t *isoText) readDate() isoDay {
	const longestYear = 9
	negative := t.acceptByte('-')
	if !negative {
		t.acceptByte('+')
	}
	day := isoDay{year: t.readNumber(4, longestYear)}
	if negative {
		day.year = -day.year
	}
	t.expectByte('-')
	day.month = t.readNumber(2, 2)
	t.expectByte('-')
	day.day = t.readNumber(2, 2)
	if day.month < 1 || day.month > 12 || day.day < 1 || day.day > monthLength(day.year, day.month) {
		t.failed = true
	}
	return day
}

// monthLength returns the days of a month.
func monthLength(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSinceEpoch returns the days since 1970-01-01.
func (d isoDay) daysSinceEpoch() int64 { return datatype.DaysSinceEpoch(d.year, d.month, d.day) }

// infiniteTimestamp returns the infinity for the years that Debezium writes for
// infinite timestamps, and 0 for any other year.
func (d isoDay) infiniteTimestamp() datatype.Infinity {
	switch d.year {
	case 292278994:
		return datatype.PositiveInfinity
	case -292275055:
		return datatype.NegativeInfinity
	}
	return 0
}

// infiniteDate returns the infinity for the years that Debezium writes for
// infinite dates, and 0 for any other year. In snapshots -infinity is a year in
// the future.
func (d isoDay) infiniteDate() datatype.Infinity {
	switch d.year {
	case 292278994, 5877611:
		return datatype.PositiveInfinity
	case 292269055, -292275055, -5877611:
		return datatype.NegativeInfinity
	}
	return 0
}

// readTime passes a time of day in microseconds: 13:14, 13:14:15, 13:14:15.123456.
// Digits beyond the sixth are dropped.
func (t *isoText) readTime() int64 {
	hours := t.readNumber(2, 2)
	t.expectByte(':')
	minutes := t.readNumber(2, 2)
	seconds := 0
	if t.acceptByte(':') {
		seconds = t.readNumber(2, 2)
	}
	if minutes > 59 || seconds > 59 {
		t.failed = true
	}
	return int64(hours*3600+minutes*60+seconds)*1000000 + t.readFraction()
}

// readFraction passes digits behind a point, if there are any, and returns them as
// microseconds.
func (t *isoText) readFraction() int64 {
	if !t.acceptByte('.') {
		return 0
	}
	digits, value := 0, int64(0)
	for ; len(t.rest) > 0 && t.rest[0]-'0' <= 9; digits++ {
		if digits < 6 {
			value = value*10 + int64(t.rest[0]-'0')
		}
		t.rest = t.rest[1:]
	}
	if digits == 0 {
		t.failed = true
	}
	for ; digits < 6; digits++ {
		value *= 10
	}
	return value
}

// readZone passes a time zone, if there is one, and returns the seconds that it
// lies east of UTC: Z, +02, +02:00, +02:00:30.
func (t *isoText) readZone() int {
	if len(t.rest) == 0 || t.acceptByte('Z') {
		return 0
	}
	negative := t.acceptByte('-')
	if !negative {
		t.expectByte('+')
	}
	seconds := t.readNumber(2, 2) * 3600
	if t.acceptByte(':') {
		seconds += t.readNumber(2, 2) * 60
	}
	if t.acceptByte(':') {
		seconds += t.readNumber(2, 2)
	}
	if negative {
		return -seconds
	}
	return seconds
}
