package history_test

import (
	"testing"

	"metadb/internal/change"
)

// from puts an event into a partition; lsn, where it is not 0, is its position instead
// of its time.
func from(number int32, e change.Event, lsn uint64) change.Event {
	e.Position.Partition.Number = number
	if e.LSN = uint64(e.Time / second); lsn != 0 {
		e.LSN = lsn
	}
	return e
}

// TestTruncateOvertakesRows applies the events of each case as one batch, in batches
// of one event, and with a restart in between: rows that precede a truncate and come
// after it, from another partition, end with it.
func TestTruncateOvertakesRows(t *testing.T) {
	for _, test := range []struct {
		name   string
		events []change.Event
		want   string
	}{
		{"insert", []change.Event{
			from(0, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, put(2, "b", 15), 0), from(1, put(3, "c", 25), 0),
		}, "1 a 10 20\n2 b 15 20\n3 c 25 -"},
		{"update", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, put(1, "b", 15), 0), from(1, put(1, "c", 16), 0),
		}, "1 a 10 15\n1 b 15 16\n1 c 16 20"},
		{"update that changes nothing", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, put(1, "a", 15), 0),
		}, "1 a 10 20"},
		{"update with an unavailable value", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, put(2, "x", 10), 0), from(0, truncate(20), 0), from(1, put(1, "?", 15), 0), from(1, put(1, "b", 16), 0),
			from(1, put(1, "?", 17), 0),
		}, "1 a 10 16\n1 b 16 20\n2 x 10 20"},
		{"delete", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, del(1, 15), 0), from(1, put(1, "a", 17), 0), from(1, put(1, "a", 21), 0),
		}, "1 a 10 15\n1 a 17 20\n1 a 21 -"},
		{"change of key", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, del(1, 15), 0), from(2, movedFrom(put(2, "?", 15), 1), 0),
		}, "1 a 10 15\n2 a 15 20"},
		{"two truncates", []change.Event{
			from(0, truncate(20), 0), from(2, truncate(30), 0), from(1, put(1, "a", 10), 0), from(1, put(1, "b", 25), 0), from(1, put(1, "c", 35), 0),
		}, "1 a 10 20\n1 b 25 30\n1 c 35 -"},
		{"one transaction", []change.Event{
			from(1, put(1, "a", 10), 10), from(0, truncate(20), 22), from(1, put(1, "b", 20), 21), from(2, put(2, "c", 20), 23),
		}, "1 a 10 20\n1 b 20 20\n2 c 20 -"},
		{"a row of a snapshot that was read before", []change.Event{
			from(0, truncate(20), 0), from(1, snapshotRow(put(1, "a", 10)), 0), from(1, snapshotRow(put(2, "b", 10)), 0), from(1, put(3, "c", 30), 0),
		}, "1 a 10 20\n2 b 10 20\n3 c 30 -"},
		{"of a restored source", []change.Event{
			from(1, put(1, "a", 10), 1000), from(0, truncate(20), 1010), from(1, put(1, "b", 30), 500), from(0, truncate(40), 510), from(1, put(2, "c", 35), 505),
			from(1, put(3, "d", 50), 520),
		}, "1 a 10 20\n1 b 30 40\n2 c 35 40\n3 d 50 -"},
		{"in the partition of the truncate", []change.Event{
			from(0, put(1, "a", 10), 100), from(0, truncate(20), 110), from(0, put(1, "b", 20), 105),
		}, "1 a 10 20\n1 b 20 -"},
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

func snapshotRow(e change.Event) change.Event {
	e.Snapshot = change.InSnapshot
	return e
}
