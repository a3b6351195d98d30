package debezium

import (
	"math"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// duration converts an interval that arrives as a number. Debezium computes it
// with months of 30.4375 days, which can't be undone: the result has a time part only.
func duration(unit timeUnit) func(change.Row, int64) (change.Row, error) {
	return func(row change.Row, count int64) (change.Row, error) {
		micros, ok := unit.toMicros(count)
		if !ok {
			return nil, ErrIntegerRange
		}
		row, mark := change.BeginCell(row)
		return change.EndCell(datatype.AppendInterval(row, micros, 0, 0), mark), nil
	}
}

// appendISOInterval converts an interval as ISO text, each part with a sign of its
// own: P1Y2M-3DT4H5M-6.789S.
func appendISOInterval(row change.Row, text []byte) (change.Row, error) {
	parts, ok := parseInterval(text)
	if !ok {
		return nil, errISO
	}
	row, mark := change.BeginCell(row)
	row = datatype.AppendInterval(row, parts.micros, int32(parts.days), int32(parts.months))
	return change.EndCell(row, mark), nil
}

// intervalParts are the three numbers of an interval.
type intervalParts struct{ months, days, micros int64 }

// parseInterval reads an interval and reports whether it is one that PostgreSQL
// can hold.
func parseInterval(text []byte) (intervalParts, bool) {
	var parts intervalParts
	iso := isoText{rest: text}
	iso.expectByte('P')
	isTime, ok := false, len(text) > 1
	for ok && !iso.failed && len(iso.rest) > 0 {
		if !isTime && iso.acceptByte('T') {
			isTime = true
			continue
		}
		ok = parts.addPart(&iso, isTime)
	}
	return parts, ok && iso.isComplete() && parts.fitsInt32()
}

// fitsInt32 reports whether days and months fit the 32 bits that they have.
func (p *intervalParts) fitsInt32() bool {
	return p.months == int64(int32(p.months)) && p.days == int64(int32(p.days))
}

// addPart reads one part, such as -3D, and reports whether it could be added.
func (p *intervalParts) addPart(iso *isoText, isTime bool) bool {
	const mostDigits = 13
	negative := iso.acceptByte('-')
	value := int64(iso.readNumber(1, mostDigits))
	micros := iso.readFraction()
	if negative {
		value, micros = -value, -micros
	}
	switch {
	case isTime && iso.acceptByte('H'):
		return micros == 0 && p.addTime(value, 3600*1000000)
	case isTime && iso.acceptByte('M'):
		return micros == 0 && p.addTime(value, 60*1000000)
	case isTime && iso.acceptByte('S'):
		return p.addTime(value, 1000000) && p.addTime(micros, 1)
	case micros != 0 || isTime:
		return false
	case iso.acceptByte('Y'):
		p.months += value * 12
	case iso.acceptByte('M'):
		p.months += value
	case iso.acceptByte('W'):
		p.days += value * 7
	case iso.acceptByte('D'):
		p.days += value
	default:
		return false
	}
	return p.fitsInt32()
}

// addTime adds count times unit microseconds and reports whether the sum has
// room.
func (p *intervalParts) addTime(count, unit int64) bool {
	if count > math.MaxInt64/unit || count < -math.MaxInt64/unit {
		return false
	}
	sum := p.micros + count*unit
	if count > 0 && sum < p.micros || count < 0 && sum > p.micros {
		return false
	}
	p.micros = sum
	return true
}
