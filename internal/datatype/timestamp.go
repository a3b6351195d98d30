package datatype

import (
	"encoding/binary"
	"errors"
	"math"
)

// PostgreSQL counts days and microseconds from 2000-01-01. Unix, and every function here that takes
// a number, counts from 1970-01-01.
const (
	daysTo2000   = 10957
	microsPerDay = 86400 * 1000000
	microsTo2000 = daysTo2000 * microsPerDay
)

// The limits of PostgreSQL in days and microseconds since 2000: from 4714-11-24 BC to the end of
// the year 5874897 for dates, 294276 for timestamps.
// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/datatype/timestamp.h
const (
	minDate      = -2451545
	maxDate      = 2145031948
	minTimestamp = -211813488000000000
	maxTimestamp = 9223371331200000000 - 1
)

// Infinity is a moment before or after all others.
type Infinity int

// The two infinities.
const (
	NegativeInfinity Infinity = -1
	PositiveInfinity Infinity = 1
)

// errTimestampRange is the error for a moment beyond PostgreSQL's limits.
var errTimestampRange = errors.New("the date lies outside PostgreSQL's range (4714 BC to 294276, for dates without a time 5874897)")

// errTimeRange is the error for a time of day beyond PostgreSQL's limits.
var errTimeRange = errors.New("the time lies outside 00:00 to 24:00")

// AppendDate appends the date that is days after 1970-01-01.
func AppendDate(dst []byte, days int64) ([]byte, error) {
	if days < minDate+daysTo2000 || days > maxDate+daysTo2000 {
		return nil, errTimestampRange
	}
	return binary.BigEndian.AppendUint32(dst, uint32(int32(days-daysTo2000))), nil
}

// AppendDateInfinity appends the date infinity or -infinity.
func AppendDateInfinity(dst []byte, which Infinity) []byte {
	if which == NegativeInfinity {
		return binary.BigEndian.AppendUint32(dst, 1<<31)
	}
	return binary.BigEndian.AppendUint32(dst, math.MaxInt32)
}

// AppendTimestamp appends the timestamp, with time zone or without, that is
// micros microseconds after 1970-01-01 00:00.
func AppendTimestamp(dst []byte, micros int64) ([]byte, error) {
	if micros < minTimestamp+microsTo2000 {
		return nil, errTimestampRange
	}
	return binary.BigEndian.AppendUint64(dst, uint64(micros-microsTo2000)), nil
}

// AppendTimestampParts appends the timestamp that is micros microseconds of a day after the day
// that is days after 1970-01-01. Its range is larger than that of AppendTimestamp, with 64 bits
// that end in the year 294247.
func AppendTimestampParts(dst []byte, days, micros int64) ([]byte, error) {
	days -= daysTo2000
	const limit = math.MaxInt64/microsPerDay - 1
	if days < -limit || days > limit {
		return nil, errTimestampRange
	}
	since := days*microsPerDay + micros
	if since < minTimestamp || since > maxTimestamp {
		return nil, errTimestampRange
	}
	return binary.BigEndian.AppendUint64(dst, uint64(since)), nil
}

// AppendTimestampInfinity appends the timestamp infinity or -infinity.
func AppendTimestampInfinity(dst []byte, which Infinity) []byte {
	if which == NegativeInfinity {
		return binary.BigEndian.AppendUint64(dst, 1<<63)
	}
	return binary.BigEndian.AppendUint64(dst, math.MaxInt64)
}

// AppendTime appends the time that is micros microseconds after midnight; one
// whole day is 24:00.
func AppendTime(dst []byte, micros int64) ([]byte, error) {
	if micros < 0 || micros > microsPerDay {
		return nil, errTimeRange
	}
	return binary.BigEndian.AppendUint64(dst, uint64(micros)), nil
}

// AppendTimeTZ appends the time of day in a zone that is east seconds east of
// UTC.
func AppendTimeTZ(dst []byte, micros int64, east int) ([]byte, error) {
	const most = 16 * 3600
	if east <= -most || east >= most {
		return nil, errors.New("the time zone lies outside -15:59:59 to 15:59:59")
	}
	dst, err := AppendTime(dst, micros)
	if err != nil {
		return nil, err
	}
	return binary.BigEndian.AppendUint32(dst, uint32(int32(-east))), nil
}

// DaysSinceEpoch returns the days from 1970-01-01 to a date of the Gregorian calendar,
// continued into the past. Year 0 is 1 BC. The year must be within ±10 million.
// http://howardhinnant.github.io/date_algorithms.html#days_from_civil
func DaysSinceEpoch(year, month, day int) int64 {
	y := int64(year)
	if month <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yearOfEra := y - era*400
	shifted := (int64(month) + 9) % 12
	dayOfYear := (153*shifted+2)/5 + int64(day) - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - 719468
}

// civilDate returns the date that is days after 1970-01-01, the reverse of DaysSinceEpoch.
func civilDate(days int64) (year, month, day int) {
	days += 719468
	era := days / 146097
	if days < 0 {
		era = (days - 146096) / 146097
	}
	dayOfEra := days - era*146097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	shifted := (5*dayOfYear + 2) / 153
	day = int(dayOfYear - (153*shifted+2)/5 + 1)
	month = int(shifted + 3)
	if month > 12 {
		month -= 12
	}
	year = int(yearOfEra + era*400)
	if month <= 2 {
		year++
	}
	return year, month, day
}
