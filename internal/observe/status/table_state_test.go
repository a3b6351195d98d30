package status

import (
	"slices"
	"testing"
	"time"
)

func TestTables(t *testing.T) {
	var r Registry
	s := r.Source("sensor")
	clock := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return clock }
	s.confirmed.now = s.now
	if got := r.Tables("other"); got != nil {
		t.Errorf("of a source that there is not: %v", got)
	}
	s.TableApplied("library.patron", clock, 0, 1)
	s.TableApplied("library.patron", clock.Add(-time.Hour), 0, 1)
	s.ConfirmedRows().SetCounts(100, 10)
	s.ConfirmedRows().SetTableCounts("library.loan", 100, 10)
	clock = clock.Add(10 * time.Second)
	s.TableApplied("library.loan", time.Time{}, 30, 10)
	s.TableApplied("library.fine", time.Time{}, 2, 2)
	want := []Table{
		{Name: "library.fine", Confirming: Confirming{Known: true, Current: 2, Confirmed: 2}},
		{Name: "library.loan", Confirming: Confirming{Known: true, Current: 110, Confirmed: 40, PerSecond: 3, Left: 70 * time.Second / 3}},
		{Name: "library.patron", Changed: clock.Add(-10 * time.Second)},
	}
	got := r.Tables("sensor")
	if got[1].Confirming.Left.Round(time.Second) != want[1].Confirming.Left.Round(time.Second) {
		t.Errorf("left: %s", got[1].Confirming.Left)
	}
	got[1].Confirming.Left = want[1].Confirming.Left
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	s.ConfirmedRows().Clear()
	for _, table := range s.Tables() {
		if table.Confirming != (Confirming{}) {
			t.Errorf("nothing is confirmed any more: %+v", table)
		}
	}
}

// TestParked checks that a parked table is reported until the stream is active, or in another
// error.
func TestParked(t *testing.T) {
	var r Registry
	s := r.Source("sensor")
	s.SetParked([]string{"library.loan"}, "table library.loan waits")
	if got := s.Report(); got.Stream != Error || !slices.Equal(got.Parked, []string{"library.loan"}) || got.Message == "" {
		t.Errorf("got %+v", got)
	}
	s.SetStream(Active, "")
	if got := s.Report(); got.Stream != Active || got.Parked != nil || got.Message != "" {
		t.Errorf("got %+v", got)
	}
}
