package apply_test

import (
	"testing"

	"metadb/internal/change"
)

// TestLateEventsKeepPositions applies the events of each case as one batch, one by one, and with
// restarts in between. A late change leaves the positions of the changes after it with the versions
// that are valid then, for events and truncates that are still to come.
func TestLateEventsKeepPositions(t *testing.T) {
	for _, test := range []struct {
		name   string
		events []change.Event
		want   string
	}{
		{"inserted again behind the end, and the truncate between", []change.Event{
			from(1, put(1, "c", 10), 0), from(1, put(1, "c", 17), 0), from(1, inserted(put(1, "c", 31)), 0),
			suspect(from(0, put(1, "u", 15), 0)), overtakenTruncate(from(2, truncate(30), 0)),
		}, "1 c 10 15\n1 u 15 17\n1 c 17 30\n1 c 31 -"},
		{"inserted again behind the end, and deleted since", []change.Event{
			from(1, put(1, "c", 10), 0), from(1, put(1, "c", 17), 0), from(1, inserted(put(1, "c", 31)), 0), from(1, del(1, 50), 0),
			suspect(from(0, put(1, "u", 15), 0)), overtakenTruncate(from(2, truncate(30), 0)),
		}, "1 c 10 15\n1 u 15 17\n1 c 17 30\n1 c 31 50"},
		{"inserted again behind the end of several", []change.Event{
			from(1, put(1, "c", 10), 0), from(1, put(1, "c", 17), 0), from(1, put(1, "c", 20), 0), from(1, inserted(put(1, "c", 31)), 0),
			suspect(from(0, put(1, "u", 15), 0)), suspect(from(0, put(1, "v", 18), 0)), overtakenTruncate(from(2, truncate(30), 0)),
		}, "1 c 10 15\n1 u 15 17\n1 c 17 18\n1 v 18 20\n1 c 20 30\n1 c 31 -"},
		{"found behind the end, and another one between", []change.Event{
			from(1, put(1, "c", 10), 0), from(1, put(1, "c", 17), 0), from(1, put(1, "c", 20), 0),
			suspect(from(0, put(1, "u", 15), 0)), suspect(from(0, put(1, "x", 18), 0)),
		}, "1 c 10 15\n1 u 15 17\n1 c 17 18\n1 x 18 20\n1 c 20 -"},
		{"a late delete, and what follows it inserted again", []change.Event{
			from(1, put(1, "c", 10), 0), from(1, inserted(put(1, "c", 17)), 0), from(1, inserted(put(1, "c", 31)), 0),
			suspect(from(0, del(1, 15), 0)), overtakenTruncate(from(2, truncate(30), 0)),
		}, "1 c 10 15\n1 c 17 30\n1 c 31 -"},
		{"begins a version earlier, and the truncate between", []change.Event{
			from(1, put(2, "x", 1), 0), from(1, inserted(put(1, "a", 21)), 0), suspect(from(0, inserted(put(1, "a", 15)), 0)), overtakenTruncate(from(2, truncate(20), 0)),
		}, "1 a 15 20\n1 a 21 -\n2 x 1 20"},
		{"begins a version earlier twice, and the truncates between", []change.Event{
			from(1, put(2, "x", 1), 0), from(1, inserted(put(1, "a", 31)), 0), suspect(from(0, inserted(put(1, "a", 25)), 0)), suspect(from(0, inserted(put(1, "a", 15)), 0)),
			overtakenTruncate(from(2, truncate(20), 0)), overtakenTruncate(from(2, truncate(30), 0)),
		}, "1 a 15 20\n1 a 25 30\n1 a 31 -\n2 x 1 20"},
		{"begins a version earlier, at the time of the truncate", []change.Event{
			from(1, put(2, "x", 1), 0), from(1, inserted(put(1, "a", 21)), 0), suspect(from(0, inserted(put(1, "a", 20)), 18)), overtakenTruncate(from(2, truncate(20), 19)),
		}, "1 a 20 20\n1 a 21 -\n2 x 1 20"},
	} {
		t.Run(test.name, func(t *testing.T) {
			whole, single, restarted := newRig(t), newRig(t), newRig(t)
			whole.apply(test.events...)
			for _, e := range test.events {
				single.apply(e)
				restarted.apply(e)
				restarted.reload()
			}
			for name, r := range map[string]*rig{"one batch": whole, "one by one": single, "restarted": restarted} {
				if got := r.versions(); got != test.want {
					t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.want)
				}
			}
		})
	}
}
