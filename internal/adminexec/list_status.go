package adminexec

import (
	"slices"
	"strings"
	"time"
)

// SourceStatus is a line of LIST STATUS.
type SourceStatus struct {
	Name string
	// Stream is waiting, starting, active, error, gap or inactive.
	Stream string
	// Sync is normal, snapshot or snapshot_complete.
	Sync string
	// Lag is how many events the stream is behind, -1 if that is unknown.
	Lag int64
	// LastEvent is the time of the last event, zero before the first.
	LastEvent        time.Time
	Events, Rejected int64
	// Message says what is wrong, if something is.
	Message string
}

// listStatus carries out LIST STATUS. It needs no database.
func (e *Executor) listStatus() *Result {
	sources := slices.SortedFunc(slices.Values(e.Status()), func(a, b SourceStatus) int { return strings.Compare(a.Name, b.Name) })
	var rows [][]any
	for _, s := range sources {
		row := []any{"source", s.Name, s.Stream, s.Sync, nil, nil, s.Events, s.Rejected, nil}
		if s.Lag >= 0 {
			row[4] = s.Lag
		}
		if !s.LastEvent.IsZero() {
			row[5] = s.LastEvent
		}
		if s.Message != "" {
			row[8] = s.Message
		}
		rows = append(rows, row)
	}
	return table(describeList("status"), rows)
}
