package apply

import (
	"math"
	"time"

	"metadb/internal/change"
)

// pgEpoch is 2000-01-01 00:00 UTC, the zero of PostgreSQL's timestamps.
const pgEpoch change.Micros = 946_684_800_000_000

// maxTime is the __end of a current version, 9999-12-31 00:00 UTC.
const maxTime change.Micros = 253_402_214_400_000_000

// appendTimestamptz appends a timestamptz field in binary.
func appendTimestamptz(dst []byte, at change.Micros) []byte {
	return appendInt64(dst, int64(at-pgEpoch))
}

// timestamptzs returns times as a statement parameter.
func timestamptzs(at []change.Micros) []time.Time {
	times := make([]time.Time, len(at))
	for i, m := range at {
		times[i] = m.UTC()
	}
	return times
}

// microsOf returns a time that PostgreSQL has sent.
func microsOf(at time.Time) change.Micros { return change.Micros(at.UnixMicro()) }

// yearOf returns the calendar year in UTC.
func yearOf(at change.Micros) int { return at.UTC().Year() }

// minTime is earlier than the time of each event.
const minTime = change.Micros(math.MinInt64)
