package status

import (
	"fmt"
	"time"
)

// SetLastSign shows when the source's connector last gave a sign of life, a heartbeat or
// an event, and whether that is too long ago; zero where there are no heartbeats to go by.
func (s *Source) SetLastSign(at time.Time, silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.LastSign, s.report.Silent = at, silent
}

// SilenceText says of a silent source since when it is, empty for all others.
func (r *Report) SilenceText() string {
	if !r.Silent {
		return ""
	}
	return fmt.Sprintf("neither an event nor a heartbeat since %s: does the connector run?", r.LastSign.UTC().Format(time.DateTime+" UTC"))
}
