package status

import (
	"fmt"
	"time"
)

// SetLastSign sets when the connector last wrote a heartbeat or an event, zero without heartbeats,
// and whether that is too long ago.
func (s *Source) SetLastSign(at time.Time, silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.LastSign, s.report.Silent = at, silent
}

// SilenceText returns the message for a silent source, with the time of the last sign; it is empty
// for others.
func (r *Report) SilenceText() string {
	if !r.Silent {
		return ""
	}
	return fmt.Sprintf("neither an event nor a heartbeat since %s: does the connector run?", r.LastSign.UTC().Format(time.DateTime+" UTC"))
}
