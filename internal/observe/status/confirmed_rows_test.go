package status

import (
	"testing"
	"time"
)

func TestConfirming(t *testing.T) {
	var r Registry
	s := r.Source("sensor")
	clock := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return clock }
	s.confirmed.now = s.now
	if got := s.Report().Confirming; got != (Confirming{}) {
		t.Errorf("nothing is confirmed: %+v", got)
	}
	s.ConfirmedRows().SetCounts(1000, 100)
	pass := func(seconds int, confirmed int64, want Confirming) {
		t.Helper()
		for range seconds {
			clock = clock.Add(time.Second)
			s.ConfirmedRows().Add(confirmed, 0)
		}
		want.Known = true
		if got := s.Report().Confirming; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	pass(0, 0, Confirming{Confirmed: 100, Current: 1000})
	pass(10, 10, Confirming{Confirmed: 200, Current: 1000, PerSecond: 10, Left: 80 * time.Second})
	pass(30, 20, Confirming{Confirmed: 800, Current: 1000, PerSecond: 20, Left: 10 * time.Second})
	// Without further confirmations the rate decreases.
	pass(40, 0, Confirming{Confirmed: 800, Current: 1000})
	s.ConfirmedRows().Add(300, 50)
	s.ConfirmedRows().SetEnding("library.patron", 3, 7)
	pass(0, 0, Confirming{Confirmed: 1050, Current: 1050, PerSecond: 300.0 / 20, Ending: "library.patron", Ended: 3, ToEnd: 7})
	for want, c := range map[string]Confirming{
		"":                                    {},
		"ending rows: 3 of 7, library.patron": {Known: true, Ending: "library.patron", Ended: 3, ToEnd: 7},
		"5 of 9 rows confirmed, 4 not (would end now)":                          {Known: true, Confirmed: 5, Current: 9},
		"5 of 9 rows confirmed, 4 not (would end now), 2 rows/s, about 2s left": {Known: true, Confirmed: 5, Current: 9, PerSecond: 2, Left: 2 * time.Second},
	} {
		if got := c.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	s.ConfirmedRows().Clear()
	if got := s.Report().Confirming; got != (Confirming{}) {
		t.Errorf("nothing is confirmed any more: %+v", got)
	}
}
