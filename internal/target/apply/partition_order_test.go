package apply_test

import (
	"testing"

	"metadb/internal/change"
)

// alone returns the event in a topic of one partition.
func alone(e change.Event) change.Event {
	e = from(0, e, 0)
	e.Partitions = 1
	return e
}

// at returns the event with another LSN than its time.
func at(e change.Event, lsn uint64) change.Event {
	e.LSN = lsn
	return e
}

// TestSuspectsByPosition applies the events of each case as one batch, one by one, and with
// restarts in between. Events that may have been in another partition are ordered by the positions
// of the changes of their keys.
func TestSuspectsByPosition(t *testing.T) {
	for _, test := range []struct {
		name   string
		events []change.Event
		want   string
	}{
		{"late, the row has changed back since", []change.Event{
			alone(put(1, "a", 10)), alone(put(1, "a", 30)), suspect(from(1, put(1, "b", 20), 0)),
		}, "1 a 10 20\n1 b 20 30\n1 a 30 -"},
		{"late, what deletes the row has come", []change.Event{
			alone(put(2, "x", 5)), alone(del(1, 30)), suspect(from(1, put(1, "b", 20), 0)),
		}, "1 b 20 30\n2 x 5 -"},
		{"late, among versions", []change.Event{
			alone(put(1, "a", 10)), alone(put(1, "c", 30)), suspect(from(1, put(1, "b", 20), 0)),
		}, "1 a 10 20\n1 b 20 30\n1 c 30 -"},
		{"a late delete", []change.Event{
			from(0, put(1, "a", 10), 0), from(0, put(1, "c", 30), 0), suspect(from(1, del(1, 20), 0)),
		}, "1 a 10 20\n1 c 30 -"},
		{"several late ones", []change.Event{
			alone(put(1, "a", 10)), alone(put(1, "a", 30)), suspect(from(1, put(1, "b", 20), 0)), suspect(from(1, put(1, "a", 22), 0)), suspect(from(1, put(1, "c", 25), 0)),
		}, "1 a 10 20\n1 b 20 22\n1 a 22 25\n1 c 25 30\n1 a 30 -"},
		{"sent again, beyond what changed it back", []change.Event{
			from(0, put(1, "a", 10), 0), from(0, put(1, "b", 20), 0), from(0, put(1, "a", 30), 0), suspect(from(1, put(1, "b", 20), 0)),
		}, "1 a 10 20\n1 b 20 30\n1 a 30 -"},
		{"new, back in one transaction", []change.Event{
			from(0, put(1, "a", 10), 0), from(0, put(1, "b", 20), 21), suspect(from(0, put(1, "a", 20), 22)),
		}, "1 a 10 20\n1 b 20 20\n1 a 20 -"},
		{"new, deleted in one transaction", []change.Event{
			from(0, put(1, "a", 10), 0), from(0, put(1, "b", 20), 21), suspect(from(0, del(1, 20), 22)),
		}, "1 a 10 20\n1 b 20 20"},
		{"new, inserted again in one transaction", []change.Event{
			from(0, put(1, "a", 10), 0), from(0, del(1, 20), 21), suspect(from(0, put(1, "a", 20), 22)),
		}, "1 a 10 20\n1 a 20 -"},
		{"new, after a truncate in one transaction", []change.Event{
			from(0, put(1, "a", 10), 0), from(2, truncate(20), 21), suspect(from(0, put(1, "a", 20), 22)),
		}, "1 a 10 20\n1 a 20 -"},
		{"late, of one transaction, and the key has moved away and back unseen", []change.Event{
			alone(put(1, "a", 10)), at(alone(put(1, "c", 20)), 23), suspect(from(1, put(1, "b", 20), 21)),
		}, "1 a 10 20\n1 c 20 -\n1 b 20 20"},
		{"late, with the values of what follows it", []change.Event{
			alone(put(1, "a", 10)), alone(put(1, "b", 20)), alone(put(1, "a", 30)), suspect(from(1, put(1, "c", 25), 0)), suspect(from(1, put(1, "a", 22), 0)),
		}, "1 a 10 20\n1 b 20 22\n1 a 22 25\n1 c 25 30\n1 a 30 -"},
		{"new, back in one transaction, in the middle of which the key has moved", []change.Event{
			alone(put(1, "a", 10)), at(alone(put(1, "b", 20)), 21), suspect(from(1, put(1, "a", 20), 22)),
		}, "1 a 10 20\n1 b 20 20\n1 a 20 -"},
		{"sent again, back in one transaction, to where the key has moved", []change.Event{
			alone(put(1, "a", 10)), at(alone(put(1, "b", 20)), 21), at(alone(put(1, "a", 20)), 22), suspect(from(1, put(1, "b", 20), 21)), suspect(from(1, put(1, "a", 20), 22)),
		}, "1 a 10 20\n1 b 20 20\n1 a 20 -"},
		{"a delete that is new, in one transaction, in the middle of which the key has moved", []change.Event{
			alone(put(1, "a", 10)), at(alone(put(1, "b", 20)), 21), suspect(from(1, del(1, 20), 22)),
		}, "1 a 10 20\n1 b 20 20"},
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
