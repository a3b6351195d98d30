package status

import "time"

// Line is the state of a source as "list status" has it, in the order of the columns, which have the
// fields' names in JSON; /status has the same values. Programs may read columns by position: a new
// field comes at the end.
type Line struct {
	Type      string     `json:"type"`
	Name      string     `json:"name"`
	Stream    Stream     `json:"source_stream"`
	Sync      Sync       `json:"source_sync"`
	Lag       *int64     `json:"lag"`
	LastEvent *time.Time `json:"last_event_time"`
	Events    int64      `json:"events"`
	Rejected  int64      `json:"rejected"`
	// Message is for people: no program needs to read it.
	Message *string `json:"message"`
	Skipped int64   `json:"skipped"`
	// The progress of long work is nil without such work.
	ProgressPhase *Phase  `json:"progress_phase"`
	ProgressTable *string `json:"progress_table"`
	ProgressDone  *int64  `json:"progress_done"`
	ProgressTotal *int64  `json:"progress_total"`
}

// Line returns the report as "list status" has it.
func (r *Report) Line() Line {
	l := Line{
		Type: "data_source", Name: r.Name, Stream: r.Stream, Sync: r.Sync, Events: r.Events, Rejected: r.Rejected, Skipped: int64(len(r.Skipped)),
	}
	if r.Lag != UnknownLag {
		l.Lag = &r.Lag
	}
	if !r.LastEvent.IsZero() {
		l.LastEvent = &r.LastEvent
	}
	if text := r.Text(); text != "" {
		l.Message = &text
	}
	if p, some := r.Progress(); some {
		l.ProgressPhase, l.ProgressDone, l.ProgressTotal = &p.Phase, &p.Done, &p.Total
		if p.Table != "" {
			l.ProgressTable = &p.Table
		}
	}
	return l
}
