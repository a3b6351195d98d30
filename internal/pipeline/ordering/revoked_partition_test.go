package ordering

import (
	"testing"

	"metadb/internal/change"
)

// TestPartitionIsTakenAway has a truncate in a partition that a rebalance revokes and
// assigns again, while a later change waits.
func TestPartitionIsTakenAway(t *testing.T) {
	for _, partitions := range []int32{2, 3} {
		b := newReadingGate(partitions)
		if got := describePositions(append(b.addEvents([]change.Event{event(0, 0, 6)}), b.SetEnds(ends(1, 1, 0), true)...)); got != "" {
			t.Errorf("%d partitions: did not wait: %s", partitions, got)
		}
		b.queues.revoke(at(1))
		if got := describePositions(append(b.addEvents([]change.Event{event(0, 1, 7)}), b.SetEnds(ends(2, 1, 0), true)...)); got != "" {
			t.Errorf("%d partitions: did not wait for one that was taken: %s", partitions, got)
		}
		b.queues.assign([]change.Assignment{{Partition: at(1), Partitions: int(partitions)}})
		got := b.addEvents([]change.Event{truncate(1, 0, 5)})
		if got := describePositions(append(got, b.SetEnds(ends(2, 1, 0), true)...)); got != "1@0 0@0 0@1" {
			t.Errorf("%d partitions: got %s", partitions, got)
		}
	}
}

// TestOneOfSeveralPartitions reads one partition while another member has the other.
func TestOneOfSeveralPartitions(t *testing.T) {
	b := newTestGate(true)
	b.queues.assign([]change.Assignment{{Partition: at(0), Partitions: 2}})
	if got := describePositions(append(b.addEvents([]change.Event{event(0, 0, 6)}), b.SetEnds(ends(1, 1), true)...)); got != "" {
		t.Errorf("did not wait for a partition that somebody else reads: %s", got)
	}
}
