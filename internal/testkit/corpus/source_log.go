package corpus

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// LogEntry is one entry of the log that triggers at the source write for the table
// b.acct: a change of a row, or a truncate.
type LogEntry struct {
	// N orders the entries.
	N  int64
	Op string
	// OldID and NewID are the row's key before and after the change, empty if there is
	// no such row.
	OldID, NewID string
	// New describes the row after the change. Same says that the change altered nothing.
	New  string
	Same bool
}

// LoggedVersions returns the versions of each row by the log, by key and in their
// order. Current versions end in " current".
func LoggedVersions(log []LogEntry) map[string][]string {
	versions, current := make(map[string][]string), make(map[string]bool)
	for _, e := range log {
		switch {
		case e.Op == "TRUNCATE":
			clear(current)
			continue
		case e.Same:
			continue
		case e.Op == "DELETE", e.OldID != e.NewID:
			delete(current, e.OldID)
		}
		if e.Op != "DELETE" {
			versions[e.NewID] = append(versions[e.NewID], e.New)
			current[e.NewID] = true
		}
	}
	for id := range current {
		list := versions[id]
		list[len(list)-1] = DescribeVersion(list[len(list)-1], true)
	}
	return versions
}

// DescribeVersion returns a version in the form of LoggedVersions.
func DescribeVersion(values string, current bool) string {
	if current {
		return values + " current"
	}
	return values
}

// SourceLog returns the log of a scenario's source, from its table b.log.
func SourceLog(tb testing.TB, scenario string) []LogEntry {
	tb.Helper()
	var log []LogEntry
	for _, row := range SourceRows(tb, scenario) {
		if row.Table != "log" {
			continue
		}
		e := LogEntry{Op: *row.Text["op"], OldID: textOrEmpty(row.Text["old_id"]), NewID: textOrEmpty(row.Text["new_id"]), New: textOrEmpty(row.Text["new"]), Same: textOrEmpty(row.Text["same"]) == "true"}
		if err := json.Unmarshal(row.JSON["n"], &e.N); err != nil {
			tb.Fatal(fmt.Errorf("number of a log entry: %w", err))
		}
		log = append(log, e)
	}
	slices.SortFunc(log, func(a, b LogEntry) int { return int(a.N - b.N) })
	return log
}

func textOrEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
