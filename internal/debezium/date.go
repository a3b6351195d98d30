package debezium

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// appendDays converts days since 1970-01-01.
func appendDays(row change.Row, days int64) (change.Row, error) {
	row, mark := change.BeginCell(row)
	var err error
	if which := infiniteDays(days); which != 0 {
		row = datatype.AppendDateInfinity(row, which)
	} else if row, err = datatype.AppendDate(row, days); err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}

// infiniteDays returns the infinity for the numbers that Debezium sends for
// infinite dates, in snapshots and in the stream, and 0 for any other number. All
// of them lie outside PostgreSQL's dates.
func infiniteDays(days int64) datatype.Infinity {
	switch days {
	case -625821272, -2147472691:
		return datatype.NegativeInfinity
	case -622191234, 2146033979, -2147472692: // the last one: Debezium 2
		return datatype.PositiveInfinity
	}
	return 0
}

// appendISODate converts a date as ISO text, which ends in a zone that means nothing.
func appendISODate(row change.Row, text []byte) (change.Row, error) {
	iso := isoText{rest: text}
	day := iso.readDate()
	iso.readZone()
	if !iso.isComplete() {
		return nil, errISO
	}
	var err error
	row, mark := change.BeginCell(row)
	if which := day.infiniteDate(); which != 0 {
		row = datatype.AppendDateInfinity(row, which)
	} else if row, err = datatype.AppendDate(row, day.daysSinceEpoch()); err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}
