package debezium

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

// timeOfDay converts a time since midnight; 24:00 is one.
func timeOfDay(unit timeUnit) func(change.Row, int64) (change.Row, error) {
	return func(row change.Row, count int64) (change.Row, error) {
		micros, ok := unit.toMicros(count)
		if !ok {
			return nil, ErrIntegerRange
		}
		row, mark := change.BeginCell(row)
		row, err := datatype.AppendTime(row, micros)
		if err != nil {
			return nil, err
		}
		return change.EndCell(row, mark), nil
	}
}

// appendISOTime converts a time as ISO text, which has a zone that means nothing.
func appendISOTime(row change.Row, text []byte) (change.Row, error) {
	micros, _, err := parseISOTime(text)
	if err != nil {
		return nil, err
	}
	row, mark := change.BeginCell(row)
	if row, err = datatype.AppendTime(row, micros); err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}

// appendZonedTime converts a time with a zone as ISO text.
func appendZonedTime(row change.Row, text []byte) (change.Row, error) {
	micros, east, err := parseISOTime(text)
	if err != nil {
		return nil, err
	}
	row, mark := change.BeginCell(row)
	if row, err = datatype.AppendTimeTZ(row, micros, east); err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}

// parseISOTime returns the microseconds since midnight, and the zone in seconds east of Greenwich.
func parseISOTime(text []byte) (micros int64, east int, err error) {
	iso := isoText{rest: text}
	micros = iso.readTime()
	east = iso.readZone()
	if !iso.isComplete() {
		return 0, 0, errISO
	}
	return micros, east, nil
}
