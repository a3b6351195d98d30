package connectjson

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// timeUnit is the unit of a number that counts time.
type timeUnit uint8

// The units.
const (
	milliseconds timeUnit = iota
	microseconds
	nanoseconds
)

// toMicros returns count in microseconds, rounded down, and false if that takes
// more than 64 bits.
func (u timeUnit) toMicros(count int64) (int64, bool) {
	switch u {
	case milliseconds:
		return count * 1000, count*1000/1000 == count
	case nanoseconds:
		whole := count / 1000
		if count%1000 < 0 {
			whole--
		}
		return whole, true
	case microseconds:
	}
	return count, true
}

// timeConverter converts a time since midnight; 24:00 is one.
type timeConverter struct{ unit timeUnit }

func (t timeConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() == '"' { // in __debezium.oldkey
		return isoTimeConverter{}.convertValue(c, s, row)
	}
	count, err := s.scanInteger()
	if err != nil {
		return nil, err
	}
	micros, ok := t.unit.toMicros(count)
	if !ok {
		return nil, errIntegerRange
	}
	row, mark := change.BeginCell(row)
	if row, err = datatype.AppendTime(row, micros); err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}

// isoTimeConverter converts a time as ISO text. Where the type has no zone, the text has
// one nevertheless, which means nothing.
type isoTimeConverter struct{ zoned bool }

func (t isoTimeConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	text, err := c.readString(s)
	if err != nil {
		return nil, err
	}
	iso := isoText{rest: text}
	micros := iso.readTime()
	east := iso.readZone()
	if !iso.isComplete() {
		return nil, errISO
	}
	row, mark := change.BeginCell(row)
	if t.zoned {
		row, err = datatype.AppendTimeTZ(row, micros, east)
	} else {
		row, err = datatype.AppendTime(row, micros)
	}
	if err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}
