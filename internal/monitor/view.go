package monitor

import (
	"time"

	"metadb/internal/status"
)

// view is what the page shows at one moment.
type view struct {
	Time    time.Time    `json:"time"`
	Sources []sourceView `json:"sources"`
}

// sourceView is one source on the page. It has no values of rows.
type sourceView struct {
	Name   string `json:"name"`
	Stream string `json:"stream"`
	Sync   string `json:"sync"`
	// Lag is in events, nil where nobody knows.
	Lag       *int64     `json:"lag"`
	LastEvent *time.Time `json:"last_event"`
	Events    int64      `json:"events"`
	Rejected  int64      `json:"rejected"`
	Message   string     `json:"message"`
	Advice    []string   `json:"advice"`
	// Well is what the exit status of "metadb status" says.
	Well bool `json:"well"`
	// Rates are events a second, a point for each ten seconds.
	Rates  []float64   `json:"rates"`
	Resync *resyncView `json:"resync"`
}

// resyncView is how far a resynchronization has come.
type resyncView struct {
	Confirmed int64  `json:"confirmed"`
	Expected  int64  `json:"expected"`
	Words     string `json:"words"`
}

// look returns what there is to see.
func (h *history) look(now time.Time) view {
	v := view{Time: now.UTC(), Sources: []sourceView{}}
	for _, r := range h.sources.Reports() {
		one := sourceView{
			Name: r.Name, Stream: string(r.Stream), Sync: string(r.Sync), Events: r.Events, Rejected: r.Rejected,
			Message: r.Message, Advice: advice(&r), Rates: h.of(r.Name),
		}
		one.Well = r.Stream != status.Error && r.Stream != status.Gap && r.Rejected == 0 && r.Sync != status.SnapshotComplete
		if r.Lag != status.UnknownLag {
			one.Lag = &r.Lag
		}
		if !r.LastEvent.IsZero() {
			one.LastEvent = &r.LastEvent
		}
		switch c := r.Confirming; {
		case c.Ending != "":
			one.Resync = &resyncView{c.Ended, c.ToEnd, c.String()}
		case c.Known:
			one.Resync = &resyncView{c.Confirmed, c.Current, c.String()}
		}
		v.Sources = append(v.Sources, one)
	}
	return v
}
