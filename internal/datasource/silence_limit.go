package datasource

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DefaultSilence is the default of silence_warning: the time without a sign of life after which a
// connector with heartbeats counts as silent.
const DefaultSilence = 15 * time.Minute

// SilenceLimit returns the time after which a connector counts as silent, 0 for never.
func (o *Options) SilenceLimit() time.Duration {
	limit, err := parseSilence(o.SilenceWarning)
	if err != nil { // it has been checked when it was given
		return DefaultSilence
	}
	return limit
}

// parseSilence parses a number of seconds, minutes or hours, or "off".
func parseSilence(value string) (time.Duration, error) {
	switch value = strings.TrimSpace(value); value {
	case "":
		return DefaultSilence, nil
	case "off":
		return 0, nil
	}
	number, unit := splitUnit(value)
	n, err := strconv.ParseInt(number, 10, 32)
	var factor time.Duration
	switch strings.ToLower(unit) {
	case "s", "sec", "second", "seconds":
		factor = time.Second
	case "m", "min", "minute", "minutes":
		factor = time.Minute
	case "h", "hour", "hours":
		factor = time.Hour
	default:
		err = strconv.ErrSyntax
	}
	if err != nil || n < 1 {
		return 0, &InvalidOptionError{Key: "silence_warning", Reason: fmt.Sprintf("\"%s\" is no time such as 90 s, 15 min or 1 h, nor off", value)}
	}
	return time.Duration(n) * factor, nil
}
