package connectjson

import (
	"math"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// timestampConverter converts a count since 1970-01-01 00:00.
type timestampConverter struct{ unit timeUnit }

func (t timestampConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() == '"' { // in __debezium.oldkey
		return isoTimestampConverter{}.convertValue(c, s, row)
	}
	count, err := s.scanInteger()
	if err != nil {
		return nil, err
	}
	row, mark := change.BeginCell(row)
	if which := t.infinityOf(count); which != 0 {
		row = datatype.AppendTimestampInfinity(row, which)
		return change.EndCell(row, mark), nil
	}
	micros, ok := t.unit.toMicros(count)
	if !ok {
		return nil, errIntegerRange
	}
	if row, err = datatype.AppendTimestamp(row, micros); err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}

// The driver's numbers for the infinities, in milliseconds. Debezium sends the same
// numbers in other units, unconverted.
const (
	driverPositiveInfinity = 9223372036825200000
	driverNegativeInfinity = -9223372036832400000
)

// infinityOf returns the infinity for the numbers that Debezium sends for infinite
// timestamps, and 0 for any other number. No ordinary timestamp is as large in its unit.
func (t timestampConverter) infinityOf(count int64) datatype.Infinity {
	switch count {
	case math.MaxInt64, driverPositiveInfinity:
		return datatype.PositiveInfinity
	case math.MinInt64, driverNegativeInfinity:
		return datatype.NegativeInfinity
	}
	if t.unit == milliseconds { // Debezium 2
		switch count {
		case driverPositiveInfinity / 1000:
			return datatype.PositiveInfinity
		case driverNegativeInfinity / 1000:
			return datatype.NegativeInfinity
		}
	}
	return 0
}

// isoTimestampConverter converts a timestamp as ISO text: one with a zone as the moment
// that it is, one without as if its zone, always Z, were part of it. The words
// infinity and -infinity are among the texts.
type isoTimestampConverter struct{}

func (isoTimestampConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	text, err := c.readString(s)
	if err != nil {
		return nil, err
	}
	row, mark := change.BeginCell(row)
	switch string(text) {
	case "infinity":
		return change.EndCell(datatype.AppendTimestampInfinity(row, datatype.PositiveInfinity), mark), nil
	case "-infinity":
		return change.EndCell(datatype.AppendTimestampInfinity(row, datatype.NegativeInfinity), mark), nil
	}
	iso := isoText{rest: text}
	day := iso.readDate()
	iso.expectByte('T')
	micros := iso.readTime()
	east := iso.readZone()
	if !iso.isComplete() {
		return nil, errISO
	}
	if which := day.infiniteTimestamp(); which != 0 {
		row = datatype.AppendTimestampInfinity(row, which)
	} else if row, err = datatype.AppendTimestampParts(row, day.daysSinceEpoch(), micros-int64(east)*1000000); err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}
