package status

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// TableFault says why a table can't be used as the database has it.
type TableFault struct {
	Table string
	// Problem is the kind of fault, Text says it with what helps.
	Problem, Text string
}

// tableFaults are those of a source's tables, and since when there are some.
type tableFaults struct {
	all   []TableFault
	since time.Time
}

// maxTablesNamed bounds how many tables a message names, maxReasonsNamed of how many it says
// why.
const maxTablesNamed, maxReasonsNamed = 20, 3

// SetFaults says which tables of the source can't be used, ordered by name.
func (s *Source) SetFaults(all []TableFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(all, s.faults.all) {
		return
	}
	s.faults = tableFaults{all: all, since: s.now()}
}

// addTo adds the faults to a report: a stream that runs is in error, since it can't
// run for these tables, though no event may have come for them yet.
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

// messageText names the tables, and why the first ones wait.
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
