package status

import (
	"fmt"
	"slices"
	"strings"

	"metadb/internal/change"
)

// AddGap adds a gap to the stream. It is merged with an earlier gap of its partition. It reports
// whether it is the first one of the partition.
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

// SetGaps replaces the gaps, in the order in which they were found. Without gaps the state Gap
// becomes Active.
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

// showGaps sets state and message for the gaps, of which there must be some. The caller holds mu.
func (s *Source) showGaps() {
	s.report.MissingEvents = 0
	for _, g := range s.gaps {
		s.report.MissingEvents += g.Missing
	}
	s.report.Stream = Gap
	s.setMessage(gapMessage(s.gaps, s.report.MissingEvents))
}

// gapMessage returns the text of the last gap, and the number of gaps if there are more.
func gapMessage(gaps []change.Gap, missing int64) string {
	last := GapText(gaps[len(gaps)-1])
	if len(gaps) == 1 {
		return last
	}
	return fmt.Sprintf("%d gaps, %s missing, the last: %s", len(gaps), change.Plural(missing, "event is", "events are"), last)
}

// GapText returns a description of a gap with the remedy.
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

// gapTables returns the tables that repair all gaps when they are read again, nil if they are
// unknown for one of the gaps.
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
