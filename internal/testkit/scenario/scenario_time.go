package scenario

import (
	"fmt"
	"strings"
	"time"
)

// defaultDay is the date of times that are written without one.
const defaultDay = "2026-03-01"

// ParseTime reads a time of day of the scenario's day, "10:00" or
// "10:00:05.000001", or a full "2025-12-31T23:59:59".
func ParseTime(text string) (time.Time, error) {
	full := text
	if !strings.Contains(full, "T") {
		full = defaultDay + "T" + full
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05.999999"} {
		if at, err := time.Parse(layout, full); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: 10:00, 10:00:05.5 or 2025-12-31T23:59", text)
}

// FormatTime is the reverse of ParseTime; the end of a current version is
// "-".
func FormatTime(at time.Time) string {
	at = at.UTC()
	if at.Year() == 9999 {
		return "-"
	}
	text := strings.TrimPrefix(at.Format("2006-01-02T15:04:05.999999"), defaultDay+"T")
	if at.Second() == 0 && at.Nanosecond() == 0 {
		return strings.TrimSuffix(text, ":00")
	}
	return text
}
