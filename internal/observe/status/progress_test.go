package status

import (
	"encoding/json"
	"testing"
)

// TestProgress checks which work the progress has, and the form of a line as JSON.
func TestProgress(t *testing.T) {
	registry := &Registry{}
	s := registry.Source("sensor")
	check := func(want string) {
		t.Helper()
		line, err := json.Marshal(registry.Reports()[0].Line())
		if want = `{"type":"data_source","name":"sensor","source_stream":"inactive","source_sync":"normal","lag":null,"last_event_time":null,"events":0,"rejected":0,` + want; err != nil || string(line) != want {
			t.Errorf("got %s, %v\nwant %s", line, err, want)
		}
	}
	check(`"message":null,"skipped":0,"progress_phase":null,"progress_table":null,"progress_done":null,"progress_total":null}`)
	s.ConfirmedRows().SetCounts(10, 4)
	check(`"message":"4 of 10 rows confirmed, 6 not (would end now)","skipped":0,"progress_phase":"confirming","progress_table":null,"progress_done":4,"progress_total":10}`)
	s.SetRefreshing("library.loan", 1, 3)
	check(`"message":"4 of 10 rows confirmed, 6 not (would end now); refreshing data mappings of table library.loan: 1 of 3 rows","skipped":0,"progress_phase":"refreshing","progress_table":"library.loan","progress_done":1,"progress_total":3}`)
	s.SetRefreshing("", 0, 0)
	s.ConfirmedRows().SetEnding("library.patron", 2, 6)
	check(`"message":"ending rows: 2 of 6, library.patron","skipped":0,"progress_phase":"ending","progress_table":"library.patron","progress_done":2,"progress_total":6}`)
}
