package apply_test

import (
	"fmt"
	"testing"

	"metadb/internal/change"
)

// TestRetryBehindTruncates checks that a retried event, from a partition that was written late, is
// inserted before the truncate that follows it, and ends with it. Each case is applied in batches
// of one event, and as one batch.
func TestRetryBehindTruncates(t *testing.T) {
	for _, test := range []struct {
		name     string
		events   []change.Event
		rejected []int
		want     string
	}{
		{"an update", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, put(1, "b", 15), 0), from(1, put(1, "c", 25), 0),
		}, []int{2}, "1 a 10 15\n1 b 15 20\n1 c 25 -"},
		{"the key's only event", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, put(2, "b", 15), 0),
		}, []int{2}, "1 a 10 20\n2 b 15 20"},
		{"the table's only event", []change.Event{
			from(0, truncate(20), 0), from(1, put(2, "b", 15), 0), from(1, put(1, "a", 30), 0),
		}, []int{1}, "1 a 30 -\n2 b 15 20"},
		{"a delete, and the row is inserted again", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, del(1, 15), 0), from(1, inserted(put(1, "a", 21)), 0),
		}, []int{2}, "1 a 10 15\n1 a 21 -"},
		{"several of one key", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, put(1, "b", 15), 0), from(1, put(1, "c", 16), 0), from(1, put(1, "d", 17), 0),
		}, []int{2, 4}, "1 a 10 15\n1 b 15 16\n1 c 16 17\n1 d 17 20"},
		{"two truncates", []change.Event{
			from(0, truncate(20), 0), from(2, truncate(30), 0), from(1, put(1, "a", 10), 0), from(1, put(1, "b", 25), 0), from(1, put(1, "c", 35), 0),
		}, []int{2, 3}, "1 a 10 20\n1 b 25 30\n1 c 35 -"},
		{"the second truncate first", []change.Event{
			from(1, put(1, "a", 10), 0), from(2, truncate(30), 0), from(1, put(1, "b", 25), 0), overtakenTruncate(from(0, truncate(20), 0)),
		}, []int{2}, "1 a 10 20\n1 b 25 30"},
		{"a truncate that comes late itself", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, put(1, "b", 15), 0), from(1, inserted(put(1, "c", 25)), 0), overtakenTruncate(from(0, truncate(20), 0)),
		}, []int{1}, "1 a 10 15\n1 b 15 20\n1 c 25 -"},
		{"an insert of the row as it was", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, inserted(put(1, "a", 21)), 0), overtakenTruncate(from(0, truncate(20), 0)),
		}, []int{1}, "1 a 10 20\n1 a 21 -"},
		{"values that waited", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, put(1, "b", 15), 0), from(1, put(1, "?", 16), 0), from(1, put(1, "c", 17), 0),
		}, []int{2}, "1 a 10 15\n1 b 15 17\n1 c 17 20"},
		{"in the truncate's transaction", []change.Event{
			from(1, put(1, "a", 10), 10), from(0, truncate(20), 22), from(1, put(1, "b", 20), 21), from(1, inserted(put(1, "c", 20)), 23),
		}, []int{2}, "1 a 10 20\n1 b 20 20\n1 c 20 -"},
		{"a row of a snapshot", []change.Event{
			from(1, put(3, "c", 10), 0), from(0, truncate(20), 0), from(1, snapshotRow(put(1, "a", 15)), 0), from(2, snapshotRow(put(2, "b", 15)), 0),
		}, []int{2}, "1 a 15 20\n2 b 15 20\n3 c 10 20"},
	} {
		for _, size := range []int{1, len(test.events)} {
			t.Run(fmt.Sprintf("%s, %d", test.name, size), func(t *testing.T) {
				r := newRig(t)
				if out := r.rejectSome(test.events, test.rejected, size); out.Rejected != 0 {
					t.Errorf("%d were rejected again: %+v", out.Rejected, out.Rejections)
				}
				if got := r.versionsInOrder(); got != test.want {
					t.Errorf("got\n%s\nwant\n%s", got, test.want)
				}
			})
		}
	}
}

// TestRetryKeepsPositions checks that a retried event stores its position, and those of the events
// after it, for an earlier truncate that is read later still.
func TestRetryKeepsPositions(t *testing.T) {
	for _, test := range []struct {
		name   string
		events []change.Event
		want   string
	}{
		{"an insert of the row as it was", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, inserted(put(1, "a", 31)), 0), from(2, put(2, "x", 35), 0),
		}, "1 a 10 30\n1 a 31 -\n2 x 35 -"},
		{"what follows was inserted again", []change.Event{
			from(1, put(1, "c", 10), 0), from(1, put(1, "u", 15), 0), from(1, put(1, "c", 17), 0), from(1, inserted(put(1, "c", 31)), 0),
		}, "1 c 10 15\n1 u 15 17\n1 c 17 30\n1 c 31 -"},
		{"what follows has the values", []change.Event{
			from(1, put(2, "x", 10), 0), from(1, inserted(put(1, "a", 15)), 0), from(1, inserted(put(1, "a", 31)), 0),
		}, "1 a 15 30\n1 a 31 -\n2 x 10 30"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			r.apply(from(3, put(9, "z", 1), 0), from(3, del(9, 2), 0))
			r.exec("INSERT INTO metadb.stream_position (source_name, consumer_group, topic, partition, next_offset) VALUES ('sensor', 'group', 't', 1, 0)")
			if out := r.rejectSome(test.events, []int{1}, 1); out.Rejected != 0 {
				t.Errorf("%d were rejected again: %+v", out.Rejected, out.Rejections)
			}
			r.apply(overtakenTruncate(from(0, truncate(30), 0)))
			if got := r.versionsInOrder(); got != test.want+"\n9 z 1 2" {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
