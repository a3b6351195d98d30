package datasource

import (
	"fmt"
	"strconv"
	"strings"
)

// The default bounds of the stored rejected events of a data source.
const (
	DefaultRejectedEvents = 100_000
	DefaultRejectedBytes  = 1 << 30
)

// RejectedBounds returns the highest number of stored rejected events, and the highest total of
// bytes of their keys and values.
func (o *Options) RejectedBounds() (events, bytes int64) {
	events, bytes, err := parseRejectedLimit(o.RejectedLimit)
	if err != nil { // it has been checked when it was given
		return DefaultRejectedEvents, DefaultRejectedBytes
	}
	return events, bytes
}

// parseRejectedLimit parses a limit: a number of events, a size in MB or GB, or both with a comma
// between them. A missing part has its default.
func parseRejectedLimit(value string) (events, bytes int64, err error) {
	events, bytes = DefaultRejectedEvents, DefaultRejectedBytes
	if value == "" {
		return events, bytes, nil
	}
	for part := range strings.SplitSeq(value, ",") {
		number, unit := splitUnit(strings.TrimSpace(part))
		n, err := strconv.ParseInt(number, 10, 32)
		into, factor := &events, int64(1)
		switch strings.ToUpper(unit) {
		case "":
		case "MB":
			into, factor = &bytes, 1<<20
		case "GB":
			into, factor = &bytes, 1<<30
		default:
			err = strconv.ErrSyntax
		}
		if err != nil || n < 1 {
			return 0, 0, &InvalidOptionError{
				Key: "rejected_limit", Reason: fmt.Sprintf("\"%s\" is neither a number of events nor a size in MB or GB, such as 500MB", strings.TrimSpace(part)),
			}
		}
		*into = n * factor
	}
	return events, bytes, nil
}

// splitUnit splits a number from the letters behind it.
func splitUnit(text string) (number, unit string) {
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		return text, ""
	}
	return text[:end], strings.TrimSpace(text[end:])
}
