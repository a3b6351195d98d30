package connectjson

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// dateConverter converts days since 1970-01-01.
type dateConverter struct{}

func (dateConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() == '"' { // in __debezium.oldkey
		return isoDateConverter{}.convertValue(c, s, row)
	}
	days, err := s.scanInteger()
	if err != nil {
		return nil, err
	}
	row, mark := change.BeginCell(row)
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

// isoDateConverter converts a date as ISO text, which ends in a zone that means nothing.
type isoDateConverter struct{}

func (isoDateConverter) convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error) {
	text, err := c.readString(s)
	if err != nil {
		return nil, err
	}
	iso := isoText{rest: text}
	day := iso.readDate()
	iso.readZone()
	if !iso.isComplete() {
		return nil, errISO
	}
	row, mark := change.BeginCell(row)
	if which := day.infiniteDate(); which != 0 {
		row = datatype.AppendDateInfinity(row, which)
	} else if row, err = datatype.AppendDate(row, day.daysSinceEpoch()); err != nil {
		return nil, err
	}
	return change.EndCell(row, mark), nil
}
