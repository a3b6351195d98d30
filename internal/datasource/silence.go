package datasource

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DefaultSilence is after how long without a sign of life a connector that writes
// heartbeats is called silent, where silence_warning says nothing else.
const DefaultSilence = 15 * time.Minute

// SilenceLimit returns after how long a connector is called silent, 0 for never.
func (o *Options) SilenceLimit() time.Duration {
	limit, err := parseSilence(o.SilenceWarning)
	if err != nil { // it has been checked when it was given
		return DefaultSilence
	}
	return limit
}

// parseSilence reads a number of seconds, minutes or hours, or "off".
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
