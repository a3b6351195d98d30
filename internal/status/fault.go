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

// faults are those of a source's tables, and since when there are some.
type faults struct {
	all   []TableFault
	since time.Time
}

// mostNamed bounds how many tables a message names, mostReasons of how many it says
// why.
const mostNamed, mostReasons = 20, 3

// SetFaults says which tables of the source can't be used, ordered by name.
func (s *Source) SetFaults(all []TableFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(all, s.faults.all) {
		return
	}
	s.faults = faults{all: all, since: s.now()}
}

// show adds the faults to a report: a stream that runs is in error, since it can't
// run for these tables, though no event may have come for them yet.
func (f *faults) show(r *Report) {
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
		r.Stream, r.Message, r.Since = Error, f.message(), f.since
	}
}

// message names the tables, and why the first ones wait.
func (f *faults) message() string {
	var names, reasons []string
	for i, fault := range f.all {
		if i == mostNamed {
			names = append(names, fmt.Sprintf("and %d more", len(f.all)-i))
			break
		}
		names = append(names, fault.Table)
		if i < mostReasons {
			reasons = append(reasons, fault.Text)
		}
	}
	what := "table %s waits, the others go on: %s"
	if len(f.all) > 1 {
		what = "tables %s wait, the others go on: %s"
	}
	return fmt.Sprintf(what, strings.Join(names, ", "), strings.Join(reasons, "; "))
}
