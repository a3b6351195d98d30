package ordering

import (
	"testing"

	"metadb/internal/change"
)

// TestBarrierOfSilentPartition expects events to be released without a partition that never
// delivers up to its end, and to wait for one that still delivers.
func TestBarrierOfSilentPartition(t *testing.T) {
	b := newReadingGate(3)
	if got := describePositions(b.AddEvents([]change.Event{truncate(0, 0, 5), row(1, 0, 1)})); got != "1@0" {
		t.Fatalf("passed %q", got)
	}
	// Partition 1 was compacted behind its first record, 2 has one more.
	if got := describePositions(b.SetEndOffsets(ends(1, 4, 1))); got != "" {
		t.Fatalf("told, passed %q", got)
	}
	for range 3 {
		if found := b.FindStalled(); len(found) > 0 {
			t.Fatalf("stalled too early: %v", found)
		}
		b.AdvanceTicks(emptyPoll)
	}
	if found := b.FindStalled(); len(found) != 2 {
		t.Fatalf("stalled: %v", found)
	}
	if got := describePositions(b.AddEvents([]change.Event{row(2, 0, 2)})); got != "2@0" {
		t.Fatalf("passed %q", got)
	}
	found := b.FindStalled()
	if len(found) != 1 || found[at(1)] != 4 {
		t.Fatalf("stalled: %v", found)
	}
	if got := describePositions(b.ReleaseStalled(found, nil)); got != "0@0" {
		t.Errorf("went on with %q", got)
	}
	// No event waits for it any more until it delivers.
	b.AddEvents([]change.Event{event(0, 1, 7)})
	if got := describePositions(b.SetEndOffsets(ends(2, 4, 1))); got != "0@1" {
		t.Errorf("told, passed %q", got)
	}
	b.AddEvents([]change.Event{truncate(0, 2, 9)})
	if got := describePositions(b.SetEndOffsets(ends(3, 4, 1))); got != "0@2" {
		t.Errorf("told, passed %q", got)
	}
	b.AddEvents([]change.Event{row(1, 1, 2), event(0, 3, 11)})
	if got := describePositions(b.SetEndOffsets(ends(4, 4, 1))); got != "" {
		t.Errorf("told after a sign of life, passed %q", got)
	}
}

// TestEndOfSnapshotWaitsForElsewhere expects a truncate to be released without a partition
// that another member reads, or that is not read yet; the end of a snapshot waits for it
// unless the partition has no more records.
func TestEndOfSnapshotWaitsForElsewhere(t *testing.T) {
	for _, test := range []struct {
		head change.Event
		now  int64
		want string
	}{
		{truncate(0, 0, 5), 4, "0@0"},
		{last(0, 0, 5), 4, ""},
		{last(0, 0, 5), 0, "0@0"},
	} {
		b := newReadingGate(1)
		b.AddEvents([]change.Event{test.head})
		b.SetEndOffsets(ends(1, 4))
		for range 3 {
			b.AdvanceTicks(emptyPoll)
		}
		found := b.FindStalled()
		elsewhere := b.FindAssignedElsewhere(found, ends(1, test.now))
		if got := describePositions(b.ReleaseStalled(found, elsewhere)); got != test.want {
			t.Errorf("%v, of which %d are there: went on with %q, want %q", test.head.Snapshot, test.now, got, test.want)
		}
	}
}

// TestForeignPartition expects a partition that has records and is not read here to delay the
// changes of its topic once, until it is read here.
func TestForeignPartition(t *testing.T) {
	b := newReadingGate(2)
	all := ends(1, 1, 7)
	b.AddEvents([]change.Event{event(0, 0, 1), event(1, 0, 2)})
	if got := describePositions(b.SetEndOffsets(all)); got != "" {
		t.Fatalf("passed %q", got)
	}
	for range 3 {
		b.AdvanceTicks(emptyPoll)
	}
	found := b.FindStalled()
	if got := describePositions(b.ReleaseStalled(found, b.FindAssignedElsewhere(found, all))); got != "0@0 1@0" {
		t.Fatalf("%v is silent, passed %q", found, got)
	}
	b.AddEvents([]change.Event{event(0, 1, 3)})
	if got := describePositions(b.SetEndOffsets(ends(2, 1, 8))); got != "0@1" {
		t.Errorf("it is waited for again, passed %q", got)
	}
	b.AssignPartitions([]change.Assignment{{Partition: at(2)}})
	b.AddEvents([]change.Event{event(0, 2, 5)})
	if got := describePositions(b.SetEndOffsets(ends(3, 1, 8))); got != "" {
		t.Errorf("it is not waited for though it is read, passed %q", got)
	}
}

// TestPollsLetTimePass expects polls with records of other partitions to advance the time
// slowly, and a source that does not answer not to advance it.
func TestPollsLetTimePass(t *testing.T) {
	var p Polls
	p.NoteDelivery(change.Delivery{Assigned: []change.Assignment{{}}})
	if p != NoPoll {
		t.Errorf("a new partition: %d", p)
	}
	p.NoteDelivery(change.Delivery{})
	if p != emptyPoll {
		t.Errorf("an empty poll: %d", p)
	}
	p.NoteDelivery(change.Delivery{Events: []change.Event{{}}})
	p.NoteDelivery(change.Delivery{})
	if p != somePoll {
		t.Errorf("a poll with records: %d", p)
	}
	b := newReadingGate(2)
	b.AdvanceTicks(emptyPoll)
	if b.ticks != 0 {
		t.Errorf("time passes while nobody waits")
	}
}
