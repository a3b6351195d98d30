package debezium

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// date converts days since 1970-01-01.
type date struct{}

func (date) convert(c *conversion, s *scanner, row change.Row) (change.Row, error) {
	if s.peek() == '"' { // in __debezium.oldkey
		return isoDate{}.convert(c, s, row)
	}
	days, err := s.integer()
	if err != nil {
		return nil, err
	}
	row, mark := change.Begin(row)
	if which := infiniteDays(days); which != 0 {
		row = datatype.AppendDateInfinity(row, which)
	} else if row, err = datatype.AppendDate(row, days); err != nil {
		return nil, err
	}
	return change.End(row, mark), nil
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

// isoDate converts a date as ISO text, which ends in a zone that means nothing.
type isoDate struct{}

func (isoDate) convert(c *conversion, s *scanner, row change.Row) (change.Row, error) {
	text, err := c.string(s)
	if err != nil {
		return nil, err
	}
	iso := isoText{rest: text}
	day := iso.date()
	iso.zone()
	if !iso.complete() {
		return nil, errISO
	}
	row, mark := change.Begin(row)
	if which := day.infiniteDate(); which != 0 {
		row = datatype.AppendDateInfinity(row, which)
	} else if row, err = datatype.AppendDate(row, day.days()); err != nil {
		return nil, err
	}
	return change.End(row, mark), nil
}
