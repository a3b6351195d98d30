package batch

import (
	"fmt"
	"strings"
	"testing"

	"metadb/internal/change"
)

func TestDrop(t *testing.T) {
	at := func(number int32) change.Partition { return change.Partition{Topic: "library.patron", Number: number} }
	event := func(number int32, offset int64, lsn uint64) change.Event {
		return change.Event{Op: change.Upsert, LSN: lsn, Position: change.Position{Partition: at(number), Offset: offset}}
	}
	truncate := func(number int32, offset int64, lsn uint64) change.Event {
		e := event(number, offset, lsn)
		e.Op = change.Truncate
		return e
	}
	last := func(number int32, offset int64, lsn uint64) change.Event {
		e := event(number, offset, lsn)
		e.Snapshot = change.LastInSnapshot
		return e
	}
	describe := func(events []change.Event) string { // as partition@offset
		var s []string
		for _, e := range events {
			s = append(s, fmt.Sprintf("%d@%d", e.Position.Partition.Number, e.Position.Offset))
		}
		return strings.Join(s, " ")
	}
	elsewhere := event(1, 9, 9)
	elsewhere.Position.Partition.Topic = "another"
	for _, test := range []struct {
		name   string
		events []change.Event
		gone   []int32
		needed bool
		want   string
	}{
		{"nothing of it is there", []change.Event{event(0, 0, 1)}, []int32{1}, false, "0@0"},
		{"what follows is of another topic", []change.Event{truncate(1, 0, 1), elsewhere}, []int32{1}, false, "1@9"},
		{"what is left came before it", []change.Event{event(0, 0, 1), truncate(1, 0, 2)}, []int32{1}, false, "0@0"},
		{"what is left follows it", []change.Event{truncate(1, 0, 2), event(0, 0, 3)}, []int32{1}, true, "0@0"},
		{"what followed it is gone too", []change.Event{truncate(1, 0, 2), event(0, 0, 3)}, []int32{0, 1}, false, ""},
		{"the end of a snapshot follows it", []change.Event{event(1, 0, 2), last(0, 0, 3)}, []int32{1}, true, "0@0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &Batch{Batch: change.Batch{Events: test.events}}
			for i := range test.events {
				b.Bytes += test.events[i].Size()
				b.NoteEvent(&test.events[i])
			}
			var delivery change.Delivery
			for _, number := range test.gone {
				delivery.Revoked = append(delivery.Revoked, at(number))
			}
			if needed := b.DropReassigned(delivery); needed != test.needed {
				t.Errorf("needed: %t, want %t", needed, test.needed)
			}
			if got := describe(b.Events); got != test.want {
				t.Errorf("left: %q, want %q", got, test.want)
			}
			left := 0
			for i := range b.Events {
				left += b.Events[i].Size()
			}
			if b.Bytes != left {
				t.Errorf("%d bytes, want %d", b.Bytes, left)
			}
		})
	}
}
