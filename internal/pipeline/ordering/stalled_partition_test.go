package ordering

import (
	"testing"

	"metadb/internal/change"
)

// TestBarrierOfSilentPartition expects events to be released without a partition that never
// delivers up to its end, and to wait for one that still delivers.
func TestBarrierOfSilentPartition(t *testing.T) {
	b := newReadingGate(3)
	if got := describePositions(b.addEvents([]change.Event{truncate(0, 0, 5), row(1, 0, 1)})); got != "1@0" {
		t.Fatalf("passed %q", got)
	}
	// Partition 1 was compacted behind its first record, 2 has one more.
	if got := describePositions(b.SetEnds(ends(1, 4, 1), true)); got != "" {
		t.Fatalf("told, passed %q", got)
	}
	for range 3 {
		if found := b.findStalled(); len(found) > 0 {
			t.Fatalf("stalled too early: %v", found)
		}
		passInterval(b)
	}
	if found := b.findStalled(); len(found) != 2 {
		t.Fatalf("stalled: %v", found)
	}
	if got := describePositions(b.addEvents([]change.Event{row(2, 0, 2)})); got != "2@0" {
		t.Fatalf("passed %q", got)
	}
	found := b.findStalled()
	if len(found) != 1 || found[at(1)] != 4 {
		t.Fatalf("stalled: %v", found)
	}
	passed, _ := b.ReleaseStalled(found, nil)
	if got := describePositions(passed); got != "0@0" {
		t.Errorf("went on with %q", got)
	}
	// No event waits for it any more until it delivers.
	b.addEvents([]change.Event{event(0, 1, 7)})
	if got := describePositions(b.SetEnds(ends(2, 4, 1), true)); got != "0@1" {
		t.Errorf("told, passed %q", got)
	}
	b.addEvents([]change.Event{truncate(0, 2, 9)})
	if got := describePositions(b.SetEnds(ends(3, 4, 1), true)); got != "0@2" {
		t.Errorf("told, passed %q", got)
	}
	b.addEvents([]change.Event{row(1, 1, 2), event(0, 3, 11)})
	if got := describePositions(b.SetEnds(ends(4, 4, 1), true)); got != "" {
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
		b.addEvents([]change.Event{test.head})
		b.SetEnds(ends(1, 4), true)
		for range 3 {
			passInterval(b)
		}
		found := b.findStalled()
		passed, _ := b.ReleaseStalled(found, ends(1, test.now))
		if got := describePositions(passed); got != test.want {
			t.Errorf("%v, of which %d are there: went on with %q, want %q", test.head.Snapshot, test.now, got, test.want)
		}
	}
}

// TestForeignPartition expects a partition that has records and is not read here to delay the
// changes of its topic once, until it is read here.
func TestForeignPartition(t *testing.T) {
	b := newReadingGate(2)
	all := ends(1, 1, 7)
	b.addEvents([]change.Event{event(0, 0, 1), event(1, 0, 2)})
	if got := describePositions(b.SetEnds(all, true)); got != "" {
		t.Fatalf("passed %q", got)
	}
	for range 3 {
		passInterval(b)
	}
	found := b.findStalled()
	passed, _ := b.ReleaseStalled(found, all)
	if got := describePositions(passed); got != "0@0 1@0" {
		t.Fatalf("%v is silent, passed %q", found, got)
	}
	b.addEvents([]change.Event{event(0, 1, 3)})
	if got := describePositions(b.SetEnds(ends(2, 1, 8), true)); got != "0@1" {
		t.Errorf("it is waited for again, passed %q", got)
	}
	b.queues.assign([]change.Assignment{{Partition: at(2)}})
	b.addEvents([]change.Event{event(0, 2, 5)})
	if got := describePositions(b.SetEnds(ends(3, 1, 8), true)); got != "" {
		t.Errorf("it is not waited for though it is read, passed %q", got)
	}
}

// TestPollsLetTimePass expects polls with records of other partitions to advance the time
// slowly, and a source that does not answer not to advance it.
func TestPollsLetTimePass(t *testing.T) {
	b := newReadingGate(2)
	p := &b.idle
	p.addPoll(change.Delivery{Assigned: []change.Assignment{{}}})
	if p.polls != noPoll {
		t.Errorf("a new partition: %d", p.polls)
	}
	p.addPoll(change.Delivery{})
	if p.polls != emptyPoll {
		t.Errorf("an empty poll: %d", p.polls)
	}
	p.addPoll(change.Delivery{Events: []change.Event{{}}})
	p.addPoll(change.Delivery{})
	if p.polls != somePoll {
		t.Errorf("a poll with records: %d", p.polls)
	}
	passInterval(b)
	if b.idle.ticks != 0 {
		t.Errorf("time passes while nobody waits")
	}
}
