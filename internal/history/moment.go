package history

import (
	"math"
	"time"

	"metadb/internal/change"
)

// pgEpoch is 2000-01-01 00:00 UTC, from which PostgreSQL counts.
const pgEpoch change.Micros = 946_684_800_000_000

// forever is the __end of a current version, 9999-12-31 00:00 UTC.
const forever change.Micros = 253_402_214_400_000_000

// appendMoment appends a timestamptz field.
func appendMoment(dst []byte, at change.Micros) []byte { return appendInt64(dst, int64(at-pgEpoch)) }

// moment returns the time as a parameter of a statement.
func moment(at change.Micros) time.Time { return time.UnixMicro(int64(at)).UTC() }

// moments returns times as a parameter.
func moments(at []change.Micros) []time.Time {
	times := make([]time.Time, len(at))
	for i, m := range at {
		times[i] = moment(m)
	}
	return times
}

// micros returns a time that PostgreSQL answered.
func micros(at time.Time) change.Micros { return change.Micros(at.UnixMicro()) }

// year returns the calendar year, in UTC.
func year(at change.Micros) int { return moment(at).Year() }

// never is before every event.
const never = change.Micros(math.MinInt64)
