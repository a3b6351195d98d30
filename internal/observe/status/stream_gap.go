package status

import (
	"fmt"
	"slices"
	"strings"

	"metadb/internal/change"
)

// AddGap shows a gap in the stream. What is missing in a partition that has one is
// added to it. It reports whether it is the first one of its partition.
func (s *Source) AddGap(found change.Gap) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.gaps, func(g change.Gap) bool { return g.Partition == found.Partition })
	if at < 0 {
		s.gaps = append(s.gaps, found)
	} else {
		found.Missing += s.gaps[at].Missing
		s.gaps = append(slices.Delete(s.gaps, at, at+1), found)
	}
	s.showGaps()
	return at < 0
}

// SetGaps replaces the gaps that are shown, in the order in which they were found. A
// stream that has none any more is active.
func (s *Source) SetGaps(gaps []change.Gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gaps = slices.Clone(gaps)
	if len(s.gaps) > 0 {
		s.showGaps()
		return
	}
	s.report.MissingEvents = 0
	if s.report.Stream == Gap {
		s.report.Stream = Active
		s.setMessage("")
	}
}

// showGaps is called with mu locked, where there are gaps.
func (s *Source) showGaps() {
	s.report.MissingEvents = 0
	for _, g := range s.gaps {
		s.report.MissingEvents += g.Missing
	}
	s.report.Stream = Gap
	s.setMessage(gapMessage(s.gaps, s.report.MissingEvents))
}

// gapMessage says what the last of some gaps is, and how many there are.
func gapMessage(gaps []change.Gap, missing int64) string {
	last := GapText(gaps[len(gaps)-1])
	if len(gaps) == 1 {
		return last
	}
	return fmt.Sprintf("%d gaps, %s missing, the last: %s", len(gaps), change.Plural(missing, "event is", "events are"), last)
}

// GapText says in words what a gap is and what mends it.
func GapText(g change.Gap) string {
	missing := ""
	if g.Missing > 0 {
		missing = ", " + change.Plural(g.Missing, "event is", "events are") + " missing"
	}
	remedy := "the data source has to be resynchronized"
	if len(g.Tables) > 0 {
		names := make([]string, len(g.Tables))
		for i, table := range g.Tables {
			names[i] = table.String()
		}
		remedy += ", or what the topic feeds alone, with \"sync table\": " + strings.Join(names, ", ")
	}
	return g.Reason + missing + "; " + remedy
}

// gapTables returns the tables that mend all of the gaps when they are read again,
// none if that is not known of one of the gaps.
func gapTables(gaps []change.Gap) []change.Table {
	var tables []change.Table
	for _, g := range gaps {
		if len(g.Tables) == 0 {
			return nil
		}
		for _, table := range g.Tables {
			if !slices.Contains(tables, table) {
				tables = append(tables, table)
			}
		}
	}
	return tables
}
