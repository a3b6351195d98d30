package transform

import "metadb/internal/datatype"

// moment reads a date, T, hours and minutes, optionally seconds and a fraction, optionally Z or
// ±hh[:]mm. It returns microseconds since 1970 in UTC and whether there is a zone. A date or time
// that does not exist is not ok.
func moment(text []byte) (micros int64, zoned, ok bool) {
	const shortest = len("2024-01-01T10:00")
	if len(text) < shortest || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' {
		return 0, false, false
	}
	c := clock{rest: text}
	year, month, day := c.digits(4), c.pair('-'), c.pair('-')
	hour, minute := c.pair('T'), c.pair(':')
	second, fraction := 0, int64(0)
	if c.next(':') {
		second = c.digits(2)
		if c.next('.') {
			fraction = c.fraction()
		}
	}
	east := 0
	switch {
	case c.next('Z'):
		zoned = true
	case len(c.rest) > 0:
		zoned = true
		east = c.zone()
	}
	if c.failed || len(c.rest) > 0 || year < 1 || month < 1 || month > 12 || day < 1 || day > monthLength(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return 0, false, false
	}
	seconds := datatype.DaysOf(year, month, day)*86400 + int64(hour*3600+minute*60+second-east)
	return seconds*1_000_000 + fraction, zoned, true
}

// clock reads the parts of a moment. It sets failed at the first mistake.
type clock struct {
	rest   []byte
	failed bool
}

// next skips the byte b if it is the next one, and reports whether it was.
func (c *clock) next(b byte) bool {
	if len(c.rest) == 0 || c.rest[0] != b {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

// pair skips the byte b and reads two digits.
func (c *clock) pair(b byte) int {
	if !c.next(b) {
		c.failed = true
	}
	return c.digits(2)
}

// digits reads n digits.
func (c *clock) digits(n int) int {
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

// fraction reads the digits of a fraction and returns microseconds, rounded.
func (c *clock) fraction() int64 {
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

// zone reads ±hh[:]mm and returns the seconds east of UTC.
func (c *clock) zone() int {
	sign := 1
	if c.next('-') {
		sign = -1
	} else if !c.next('+') {
		c.failed = true
		return 0
	}
	hours := c.digits(2)
	c.next(':')
	minutes := c.digits(2)
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
