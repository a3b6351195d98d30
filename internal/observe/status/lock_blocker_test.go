package status

import "testing"

func TestBlocker(t *testing.T) {
	for want, b := range map[string]Blocker{
		"analyst1's transaction (pid 4711, idle in transaction, open 40 s)": {PID: 4711, User: "analyst1", State: "idle in transaction", Age: 47.3},
		"analyst1's transaction (pid 4711)":                                 {PID: 4711, User: "analyst1"},
		"transaction (pid 12, active, open less than 10 s)":                 {PID: 12, State: "active", Age: 0.2},
		`ben's prepared transaction ("nightly", open 2 min)`:                {Prepared: "nightly", User: "ben", Age: 179},
		`ben's prepared transaction ("nightly", open 30 h)`:                 {Prepared: "nightly", User: "ben", Age: 30*3600 + 1800},
	} {
		if got := b.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestBlockersUntilTheStreamIsWell checks that blockers are reported until the next state, and that
// the time since when a table waits stays, though the message has ages.
func TestBlockersUntilTheStreamIsWell(t *testing.T) {
	var r Registry
	s := r.Source("sensor")
	s.SetParked([]string{"library.loan"}, "waits for pid 1, open 10 s")
	s.SetBlockers([]Blocker{{Table: "library.loan", PID: 1}})
	since := s.Report().Since
	s.SetParked([]string{"library.loan"}, "waits for pid 1, open 20 s")
	s.SetBlockers([]Blocker{{Table: "library.loan", PID: 1, Age: 20}})
	if got := s.Report(); len(got.Blockers) != 1 || got.Blockers[0].Age != 20 || got.Since != since || got.Message != "waits for pid 1, open 20 s" {
		t.Errorf("got %+v, want since %v", got, since)
	}
	s.SetStream(Active, "")
	if got := s.Report(); got.Blockers != nil {
		t.Errorf("got %+v", got.Blockers)
	}
}
