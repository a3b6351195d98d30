package history

import (
	"math"

	"metadb/internal/change"
)

// TimeSpan is the range from the first to the last of some times.
type TimeSpan struct {
	isSet       bool
	First, Last change.Micros
}

// Extend makes the range include a time.
func (s *TimeSpan) Extend(at change.Micros) {
	if !s.isSet {
		*s = TimeSpan{true, at, at}
	}
	s.First, s.Last = min(s.First, at), max(s.Last, at)
}

// MaxTime is the __end of a current version, 9999-12-31 00:00 UTC.
const MaxTime change.Micros = 253_402_214_400_000_000

// YearOf returns the calendar year in UTC.
func YearOf(at change.Micros) int { return at.UTC().Year() }

// MinTime is earlier than the time of each event.
const MinTime = change.Micros(math.MinInt64)
