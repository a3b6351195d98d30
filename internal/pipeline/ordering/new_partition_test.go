package ordering

import (
	"strings"
	"testing"

	"metadb/internal/change"
)

func TestBarrierOfNewPartition(t *testing.T) {
	b := newTestGate(true)
	b.queues.assign([]change.Assignment{{Partition: at(0), From: 7}, {Partition: at(1), From: 3}})
	b.queues.assign([]change.Assignment{{Partition: at(2), Fresh: true}})
	if got := describePositions(b.addEvents([]change.Event{event(2, 0, 5), event(2, 1, 8)})); got != "" {
		t.Errorf("the new partition did not wait: %s", got)
	}
	if got := describePositions(b.SetEnds(ends(8, 4, 2), true)); got != "" {
		t.Errorf("it did not wait for the others: %s", got)
	}
	got := b.addEvents([]change.Event{event(0, 7, 4), event(1, 3, 6)})
	if got := describePositions(append(got, b.SetEnds(ends(8, 4, 2), true)...)); got != "0@7 2@0 1@3 2@1" {
		t.Errorf("got %s", got)
	}
	if b.needsEnds() || len(b.queues.waiting) > 0 {
		t.Error("something is still held back")
	}
}

// TestRowsOfNewPartition moves keys to an added partition, where snapshot rows are their
// first events: earlier changes are in another partition.
func TestRowsOfNewPartition(t *testing.T) {
	for _, mark := range []change.SnapshotPhase{change.InSnapshot, change.LastInTable, change.Incremental} {
		first, second := row(2, 0, 8), row(2, 1, 8)
		first.Snapshot, second.Snapshot = mark, mark
		if mark == change.Incremental {
			first.LSN, second.LSN = 0, 0
		}
		// After a restart the new partition may have a first position, at its beginning.
		for _, fresh := range []bool{true, false} {
			b := newTestGate(false)
			b.queues.assign([]change.Assignment{read(0, 7), read(1, 3), {Partition: at(2), Fresh: fresh}})
			if got := describePositions(append(b.addEvents([]change.Event{first, second}), b.SetEnds(ends(8, 4, 2), true)...)); got != "" {
				t.Errorf("%v: the new partition did not wait: %s", mark, got)
			}
			b.addEvents([]change.Event{event(0, 7, 4)})
			got := b.addEvents([]change.Event{event(1, 3, 6)})
			if got := describePositions(append(got, b.SetEnds(ends(8, 4, 2), true)...)); !strings.HasSuffix(got, "1@3 2@0 2@1") {
				t.Errorf("%v: got %s", mark, got)
			}
		}
	}
}

// TestRowsOfNewPartitionBehindATombstone has a tombstone, which has no place, before the
// change that the new partition's row must not overtake.
func TestRowsOfNewPartitionBehindATombstone(t *testing.T) {
	first := row(2, 0, 8)
	first.Snapshot = change.InSnapshot
	tombstone := event(0, 8, 0)
	tombstone.Op = change.Ignore
	b := newTestGate(false)
	b.queues.assign([]change.Assignment{{Partition: at(2), Fresh: true}, read(0, 7), read(1, 3)})
	if got := describePositions(b.addEvents([]change.Event{first, event(0, 7, 4), tombstone, event(0, 9, 6)})); got != "" {
		t.Errorf("passed at once: %s", got)
	}
	if got, want := describePositions(b.SetEnds(ends(10, 3, 1), true)), "0@7 0@8 0@9 2@0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// read returns the assignment of a partition that has been read up to an offset.
func read(number int32, next int64) change.Assignment {
	return change.Assignment{Partition: at(number), Stored: change.PartitionProgress{Next: next, MaxNext: next}, From: next}
}
