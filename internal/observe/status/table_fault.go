package status

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// TableFault is the reason why a table can't be used as it is in the database.
type TableFault struct {
	Table string
	// Problem is the kind of fault, Text describes it with the remedy.
	Problem, Text string
}

// tableFaults contains the faults of a source's tables, and the time of their last change.
type tableFaults struct {
	all   []TableFault
	since time.Time
}

// maxTablesNamed bounds the tables that a message names, maxReasonsNamed those with a reason.
const maxTablesNamed, maxReasonsNamed = 20, 3

// SetFaults sets the tables of the source that can't be used, ordered by name.
func (s *Source) SetFaults(all []TableFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(all, s.faults.all) {
		return
	}
	s.faults = tableFaults{all: all, since: s.now()}
}

// addTo adds the faults to a report: an active stream is reported as Error even if no event has
// come for these tables yet.
func (f *tableFaults) addTo(r *Report) {
	r.Faults = slices.Clone(f.all)
	if len(f.all) == 0 || r.Stream != Active && (r.Stream != Error || len(r.Parked) == 0) {
		return
	}
	for _, fault := range f.all {
		if !slices.Contains(r.Parked, fault.Table) {
			r.Parked = append(r.Parked, fault.Table)
		}
	}
	if r.Stream == Active {
		r.Stream, r.Message, r.Since = Error, f.messageText(), f.since
	}
}

// messageText returns the message with the tables, and the reasons of the first ones.
func (f *tableFaults) messageText() string {
	var names, reasons []string
	for i, fault := range f.all {
		if i == maxTablesNamed {
			names = append(names, fmt.Sprintf("and %d more", len(f.all)-i))
			break
		}
		names = append(names, fault.Table)
		if i < maxReasonsNamed {
			reasons = append(reasons, fault.Text)
		}
	}
	what := "table %s waits, the others go on: %s"
	if len(f.all) > 1 {
		what = "tables %s wait, the others go on: %s"
	}
	return fmt.Sprintf(what, strings.Join(names, ", "), strings.Join(reasons, "; "))
}
