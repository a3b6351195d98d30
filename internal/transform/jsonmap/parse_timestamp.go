package jsonmap

import "metadb/internal/datatype"

// parseTimestamp reads a date, T, hours and minutes, optionally seconds and a fraction, optionally Z or
// ±hh[:]mm. It returns microseconds since 1970 in UTC and whether there is a zone. A date or time
// that does not exist is not ok.
func parseTimestamp(text []byte) (micros int64, zoned, ok bool) {
	const shortest = len("2024-01-01T10:00")
	if len(text) < shortest || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' {
		return 0, false, false
	}
	c := timestampParser{rest: text}
	year, month, day := c.parseDigits(4), c.twoDigitsAfter('-'), c.twoDigitsAfter('-')
	hour, minute := c.twoDigitsAfter('T'), c.twoDigitsAfter(':')
	second, fraction := 0, int64(0)
	if c.passByte(':') {
		second = c.parseDigits(2)
		if c.passByte('.') {
			fraction = c.parseFraction()
		}
	}
	east := 0
	switch {
	case c.passByte('Z'):
		zoned = true
	case len(c.rest) > 0:
		zoned = true
		east = c.parseZone()
	}
	if c.failed || len(c.rest) > 0 || year < 1 || month < 1 || month > 12 || day < 1 || day > monthLength(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return 0, false, false
	}
	seconds := datatype.DaysSinceEpoch(year, month, day)*86400 + int64(hour*3600+minute*60+second-east)
	return seconds*1_000_000 + fraction, zoned, true
}

// timestampParser reads the parts of a moment. It sets failed at the first mistake.
type timestampParser struct {
	rest   []byte
	failed bool
}

// passByte skips the byte b if it is the next one, and reports whether it was.
func (c *timestampParser) passByte(b byte) bool {
	if len(c.rest) == 0 || c.rest[0] != b {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

// twoDigitsAfter skips the byte b and reads two digits.
func (c *timestampParser) twoDigitsAfter(b byte) int {
	if !c.passByte(b) {
		c.failed = true
	}
	return c.parseDigits(2)
}

// parseDigits reads n digits.
func (c *timestampParser) parseDigits(n int) int {
	if len(c.rest) < n {
		c.failed = true
		return 0
	}
	value := 0
	for _, d := range c.rest[:n] {
		if d-'0' > 9 {
			c.failed = true
		}
		value = value*10 + int(d-'0')
	}
	c.rest = c.rest[n:]
	return value
}

// parseFraction reads the digits of a fraction and returns microseconds, rounded.
func (c *timestampParser) parseFraction() int64 {
	const unit = 1_000_000
	value, scale, digits := int64(0), int64(unit), 0
	for len(c.rest) > 0 && c.rest[0]-'0' <= 9 {
		digit := int64(c.rest[0] - '0')
		scale /= 10
		value += digit * scale
		if digits++; digits == 7 && digit >= 5 {
			value++
		}
		c.rest = c.rest[1:]
	}
	if digits == 0 {
		c.failed = true
	}
	return value
}

// parseZone reads ±hh[:]mm and returns the seconds east of UTC.
func (c *timestampParser) parseZone() int {
	sign := 1
	if c.passByte('-') {
		sign = -1
	} else if !c.passByte('+') {
		c.failed = true
		return 0
	}
	hours := c.parseDigits(2)
	c.passByte(':')
	minutes := c.parseDigits(2)
	if hours > 15 || minutes > 59 {
		c.failed = true
	}
	return sign * (hours*3600 + minutes*60)
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
