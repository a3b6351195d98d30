package debezium

import (
	"math"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// timestamp converts a count since 1970-01-01 00:00.
func timestamp(unit timeUnit) func(change.Row, int64) (change.Row, error) {
	return func(row change.Row, count int64) (change.Row, error) {
		row, mark := change.BeginCell(row)
		if which := unit.infinityOf(count); which != 0 {
			row = datatype.AppendTimestampInfinity(row, which)
			return change.EndCell(row, mark), nil
		}
		micros, ok := unit.toMicros(count)
		if !ok {
			return nil, ErrIntegerRange
		}
		row, err := datatype.AppendTimestamp(row, micros)
		if err != nil {
			return nil, err
		}
		return change.EndCell(row, mark), nil
	}
}

// The driver's numbers for the infinities, in milliseconds. Debezium sends the same
// numbers in other units, unconverted.
const (
	driverPositiveInfinity = 9223372036825200000
	driverNegativeInfinity = -9223372036832400000
)

// infinityOf returns the infinity for the numbers that Debezium sends for infinite
// timestamps, and 0 for any other number. No ordinary timestamp is as large in its unit.
func (u timeUnit) infinityOf(count int64) datatype.Infinity {
	switch count {
	case math.MaxInt64, driverPositiveInfinity:
		return datatype.PositiveInfinity
	case math.MinInt64, driverNegativeInfinity:
		return datatype.NegativeInfinity
	}
	if u == milliseconds { // Debezium 2
		switch count {
		case driverPositiveInfinity / 1000:
			return datatype.PositiveInfinity
		case driverNegativeInfinity / 1000:
			return datatype.NegativeInfinity
		}
	}
	return 0
}

// appendISOTimestamp converts a timestamp as ISO text: one with a zone as the moment
// that it is, one without as if its zone, always Z, were part of it. The words
// infinity and -infinity are among the texts.
func appendISOTimestamp(row change.Row, text []byte) (change.Row, error) {
	var err error
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
