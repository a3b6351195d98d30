package scenario_test

import (
	"encoding/json"
	"slices"
	"testing"

	"metadb/internal/testkit/corpus"
)

// account is a version of a row of b.acct.
type account struct {
	Owner, Note *string
	Amount      json.Number
}

// String returns the version as text.
func (a account) String() string {
	text := func(s *string) string {
		if s == nil {
			return "NULL"
		}
		return *s
	}
	return text(a.Owner) + " | " + a.Amount.String() + " | " + text(a.Note)
}

// versions returns the versions in b.log by key, in order: an update to the same
// values makes no version, a change of key one under the new key.
func versions(t *testing.T) map[string][]string {
	t.Helper()
	type entry struct {
		N        int64
		Op       string
		Old, New json.RawMessage
	}
	var log []entry
	for _, row := range corpus.SourceRows(t, "busy") {
		if row.Table != "log" {
			continue
		}
		e := entry{Op: *row.Text["op"], Old: row.JSON["old"], New: row.JSON["new"]}
		if err := json.Unmarshal(row.JSON["n"], &e.N); err != nil {
			t.Fatal(err)
		}
		log = append(log, e)
	}
	slices.SortFunc(log, func(a, b entry) int { return int(a.N - b.N) })
	versions := map[string][]string{}
	for _, e := range log {
		if e.Op == "DELETE" || string(e.Old) == string(e.New) {
			continue
		}
		var row struct {
			ID json.Number
			account
		}
		if err := json.Unmarshal(e.New, &row); err != nil {
			t.Fatal(err)
		}
		versions[row.ID.String()] = append(versions[row.ID.String()], row.String())
	}
	return versions
}
