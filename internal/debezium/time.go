package debezium

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// unit is the unit of a number that counts time.
type unit uint8

// The units.
const (
	milliseconds unit = iota
	microseconds
	nanoseconds
)

// micros returns count in microseconds, rounded down, and false if that takes
// more than 64 bits.
func (u unit) micros(count int64) (int64, bool) {
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

// timeOfDay converts a time since midnight; 24:00 is one.
type timeOfDay struct{ unit unit }

func (t timeOfDay) convert(c *conversion, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() == '"' { // in __debezium.oldkey
		return isoTime{}.convert(c, s, row)
	}
	count, err := s.integer()
	if err != nil {
		return nil, err
	}
	micros, ok := t.unit.micros(count)
	if !ok {
		return nil, errIntegerRange
	}
	row, mark := change.Begin(row)
	if row, err = datatype.AppendTime(row, micros); err != nil {
		return nil, err
	}
	return change.End(row, mark), nil
}

// isoTime converts a time as ISO text. Where the type has no zone, the text has
// one nevertheless, which means nothing.
type isoTime struct{ zoned bool }

func (t isoTime) convert(c *conversion, s *scanner, row change.Row) (change.Row, error) {
	text, err := c.string(s)
	if err != nil {
		return nil, err
	}
	iso := isoText{rest: text}
	micros := iso.time()
	east := iso.zone()
	if !iso.complete() {
		return nil, errISO
	}
	row, mark := change.Begin(row)
	if t.zoned {
		row, err = datatype.AppendTimeTZ(row, micros, east)
	} else {
		row, err = datatype.AppendTime(row, micros)
	}
	if err != nil {
		return nil, err
	}
	return change.End(row, mark), nil
}
