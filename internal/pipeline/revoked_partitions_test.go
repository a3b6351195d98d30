package pipeline

import (
	"testing"

	"metadb/internal/change"
)

func TestDrop(t *testing.T) {
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
			b := &batch{Batch: change.Batch{Events: test.events}}
			for i := range test.events {
				b.bytes += test.events[i].Size()
				b.noteEvent(&test.events[i])
			}
			var delivery change.Delivery
			for _, number := range test.gone {
				delivery.Revoked = append(delivery.Revoked, at(number))
			}
			if needed := b.dropReassigned(delivery); needed != test.needed {
				t.Errorf("needed: %t, want %t", needed, test.needed)
			}
			if got := describePositions(b.Events); got != test.want {
				t.Errorf("left: %q, want %q", got, test.want)
			}
			left := 0
			for i := range b.Events {
				left += b.Events[i].Size()
			}
			if b.bytes != left {
				t.Errorf("%d bytes, want %d", b.bytes, left)
			}
		})
	}
}

// TestPartitionIsTakenAway has a truncate in a partition that a rebalance revokes and
// assigns again, while a later change waits.
func TestPartitionIsTakenAway(t *testing.T) {
	for _, partitions := range []int32{2, 3} {
		b := newReadingGate(partitions)
		if got := describePositions(append(b.addEvents([]change.Event{event(0, 0, 6)}), b.setEndOffsets(ends(1, 1, 0))...)); got != "" {
			t.Errorf("%d partitions: did not wait: %s", partitions, got)
		}
		b.revokePartition(at(1))
		if got := describePositions(append(b.addEvents([]change.Event{event(0, 1, 7)}), b.setEndOffsets(ends(2, 1, 0))...)); got != "" {
			t.Errorf("%d partitions: did not wait for one that was taken: %s", partitions, got)
		}
		b.assignPartitions([]change.Assignment{{Partition: at(1), Partitions: int(partitions)}})
		got := b.addEvents([]change.Event{truncate(1, 0, 5)})
		if got := describePositions(append(got, b.setEndOffsets(ends(2, 1, 0))...)); got != "1@0 0@0 0@1" {
			t.Errorf("%d partitions: got %s", partitions, got)
		}
	}
}

// TestOneOfSeveralPartitions reads one partition while another member has the other.
func TestOneOfSeveralPartitions(t *testing.T) {
	b := newOrderGate(func(*change.Event) bool { return true })
	b.assignPartitions([]change.Assignment{{Partition: at(0), Partitions: 2}})
	if got := describePositions(append(b.addEvents([]change.Event{event(0, 0, 6)}), b.setEndOffsets(ends(1, 1))...)); got != "" {
		t.Errorf("did not wait for a partition that somebody else reads: %s", got)
	}
}
