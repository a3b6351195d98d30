package status

import (
	"errors"
	"fmt"
	"testing"
	"time"
	"unicode"

	"metadb/internal/change"
)

// TestPlainReports checks that reports contain no characters of a source's names that move a
// terminal's cursor, forge lines or change the direction of text.
func TestPlainReports(t *testing.T) {
	const name = "x\x1b]0;pwned\a\u202e\u2066.t\nFORGED LINE: all is well\u2028"
	registry := &Registry{}
	registry.SetColumns(func() map[string]Columns {
		return map[string]Columns{"sensor": {Outdated: []Outdated{{Table: name, Reasons: []string{name}, ResyncCommands: name}}, SnapshotOnly: []string{name}}}
	})
	s := registry.Source("sensor")
	s.AddGap(change.Gap{Partition: change.Partition{Topic: name}, Missing: 1, Reason: name, Tables: []change.Table{{Schema: name, Name: name}}})
	s.SkippedTables().Add(name, name)
	s.Refuse(name)
	s.SetCompacted(name)
	s.SetAttempts(name)
	s.SetUnexpectedSnapshot(name)
	s.SetRefreshing(name, 1, 2)
	s.SetFaults([]TableFault{{Table: name, Problem: name, Text: name}})
	s.ConfirmedRows().SetEnding(name, 1, 2)
	s.SetParked([]string{name}, "table "+name+" waits")
	s.SetBlockers([]Blocker{{Table: name, User: name, Prepared: name}})
	s.TableApplied(name, time.Time{}, 0, 0)
	check := func(what string, value any) {
		t.Helper()
		for _, r := range fmt.Sprintf("%+v", value) {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' {
				t.Errorf("%s has %U: %+v", what, r, value)
				return
			}
		}
	}
	check("the report", registry.Reports())
	check("the tables", registry.Tables("sensor"))
	registry.SetAway(errors.New(name))
	s.SetStream(Active, "")
	check("the report while the database is away", registry.Reports())
}
