package monitor

import (
	"cmp"
	"slices"
	"time"

	"metadb/internal/observe/status"
)

// pageView is the content of the page at one time.
type pageView struct {
	Time    time.Time    `json:"time"`
	Sources []sourceView `json:"sources"`
}

// sourceView is one source on the page. It contains no values of rows.
type sourceView struct {
	Name   string `json:"name"`
	Stream string `json:"stream"`
	Sync   string `json:"sync"`
	// Lag is in events, nil if it is unknown.
	Lag       *int64     `json:"lag"`
	LastEvent *time.Time `json:"last_event"`
	Events    int64      `json:"events"`
	Rejected  int64      `json:"rejected"`
	Message   string     `json:"message"`
	// Since is the time at which the message first appeared.
	Since  *time.Time `json:"since"`
	Advice []string   `json:"advice"`
	// Blockers are the transactions that hold the locks for which tables wait.
	Blockers []status.Blocker `json:"blockers,omitempty"`
	// Well is true if the source needs no attention.
	Well   bool        `json:"well"`
	Resync *resyncView `json:"resync"`
}

// resyncView is the progress of a resynchronization.
type resyncView struct {
	Confirmed int64  `json:"confirmed"`
	Expected  int64  `json:"expected"`
	Words     string `json:"words"`
	// Tables are the tables that are not completely confirmed, those in progress first; Done counts
	// the completely confirmed ones, More those beyond maxTablesShown.
	Tables []tableProgress `json:"tables"`
	Done   int             `json:"done"`
	More   int             `json:"more"`
}

// tableProgress is the progress of a resynchronization in one table.
type tableProgress struct {
	Name      string `json:"name"`
	Confirmed int64  `json:"confirmed"`
	Expected  int64  `json:"expected"`
	Words     string `json:"words"`
}

// maxTablesShown bounds the tables of a resynchronization on the page.
const maxTablesShown = 30

// currentView returns the content of the page at a time.
func (h *rateHistory) currentView(now time.Time) pageView {
	v := pageView{Time: now.UTC(), Sources: []sourceView{}}
	for _, r := range h.sources.Reports() {
		one := sourceView{
			Name: r.Name, Stream: string(r.Stream), Sync: string(r.Sync), Events: r.Events, Rejected: r.Rejected,
			Message: r.Message, Advice: adviceLines(&r), Blockers: r.Blockers,
		}
		one.Well = r.Stream != status.Error && r.Stream != status.Gap && r.Stream != status.Silent && r.Rejected == 0 && len(r.Skipped) == 0 && r.Sync != status.SnapshotComplete && len(r.Columns.Outdated) == 0
		if r.Lag != status.UnknownLag {
			one.Lag = &r.Lag
		}
		if !r.LastEvent.IsZero() {
			one.LastEvent = &r.LastEvent
		}
		if !r.Since.IsZero() {
			one.Since = &r.Since
		}
		switch c := r.Confirming; {
		case c.Ending != "":
			one.Resync = &resyncView{Confirmed: c.Ended, Expected: c.ToEnd, Words: c.String(), Tables: []tableProgress{}}
		case c.Known:
			one.Resync = viewResync(h.sources.Tables(r.Name))
			one.Resync.Confirmed, one.Resync.Expected, one.Resync.Words = c.Confirmed, c.Current, c.String()
		}
		v.Sources = append(v.Sources, one)
	}
	return v
}

// viewResync returns the progress of a resynchronization in its tables.
func viewResync(tables []status.Table) *resyncView {
	v := &resyncView{Tables: []tableProgress{}}
	tables = slices.DeleteFunc(tables, func(t status.Table) bool {
		done := t.Confirming.Known && t.Confirming.Confirmed >= t.Confirming.Current
		if done {
			v.Done++
		}
		return done || !t.Confirming.Known
	})
	slices.SortStableFunc(tables, func(a, b status.Table) int {
		return cmp.Or(cmp.Compare(boolValue(b.Confirming.PerSecond > 0), boolValue(a.Confirming.PerSecond > 0)),
			cmp.Compare(boolValue(b.Confirming.Confirmed > 0), boolValue(a.Confirming.Confirmed > 0)))
	})
	for i, t := range tables {
		if i == maxTablesShown {
			v.More = len(tables) - i
			break
		}
		c := t.Confirming
		v.Tables = append(v.Tables, tableProgress{Name: t.Name, Confirmed: c.Confirmed, Expected: c.Current, Words: c.String()})
	}
	return v
}
