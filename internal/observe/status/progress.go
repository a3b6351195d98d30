package status

import "fmt"

// Phase is the kind of long work on a source.
type Phase string

// These are the kinds of long work.
const (
	// Confirming: a resynchronization confirms rows, Done of Total current rows so far.
	PhaseConfirming Phase = "confirming"
	// Ending: endsync ends rows, Done of Total rows so far, the last of them in Table.
	PhaseEnding Phase = "ending"
	// Refreshing: "refresh data mapping" has read Done of Total rows of Table.
	PhaseRefreshing Phase = "refreshing"
)

// Progress is the progress of long work on a source in numbers, for programs. People read it in the
// message.
type Progress struct {
	Phase Phase `json:"phase"`
	// Table is the present table, empty if the work is on all tables at once.
	Table string `json:"table,omitempty"`
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
}

// String returns the progress of a refresh in one line, empty without one. Those of a
// synchronization are in Confirming.String.
func (p Progress) String() string {
	if p.Phase != PhaseRefreshing {
		return ""
	}
	return fmt.Sprintf("refreshing data mappings of table %s: %d of %d rows", p.Table, p.Done, p.Total)
}

// Progress returns the progress of the present work: that which an administrator waits for comes
// before a resynchronization. It reports false if there is no such work.
func (r *Report) Progress() (Progress, bool) {
	switch c := r.Confirming; {
	case c.Ending != "":
		return Progress{PhaseEnding, c.Ending, c.Ended, c.ToEnd}, true
	case r.Refreshing.Phase != "":
		return r.Refreshing, true
	case c.Known:
		return Progress{PhaseConfirming, "", c.Confirmed, c.Current}, true
	}
	return Progress{}, false
}
