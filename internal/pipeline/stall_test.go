package pipeline

import (
	"testing"

	"metadb/internal/change"
)

// TestBarrierOfSilentPartition: a partition that never delivers what its end
// promises holds nobody up for ever, one that still delivers does.
func TestBarrierOfSilentPartition(t *testing.T) {
	b := reading(3)
	if got := places(b.pass([]change.Event{truncate(0, 0, 5), row(1, 0, 1)})); got != "1@0" {
		t.Fatalf("passed %q", got)
	}
	// Partition 1 was compacted behind its first record, 2 has one more.
	if got := places(b.told(ends(1, 4, 1))); got != "" {
		t.Fatalf("told, passed %q", got)
	}
	for range 3 {
		if found := b.stalled(); len(found) > 0 {
			t.Fatalf("stalled too early: %v", found)
		}
		b.passTime(emptyPoll)
	}
	if found := b.stalled(); len(found) != 2 {
		t.Fatalf("stalled: %v", found)
	}
	if got := places(b.pass([]change.Event{row(2, 0, 2)})); got != "2@0" {
		t.Fatalf("passed %q", got)
	}
	found := b.stalled()
	if len(found) != 1 || found[at(1)] != 4 {
		t.Fatalf("stalled: %v", found)
	}
	if got := places(b.goOn(found, nil)); got != "0@0" {
		t.Errorf("went on with %q", got)
	}
	// Nothing waits for it any more, until it says something.
	b.pass([]change.Event{event(0, 1, 7)})
	if got := places(b.told(ends(2, 4, 1))); got != "0@1" {
		t.Errorf("told, passed %q", got)
	}
	b.pass([]change.Event{truncate(0, 2, 9)})
	if got := places(b.told(ends(3, 4, 1))); got != "0@2" {
		t.Errorf("told, passed %q", got)
	}
	b.pass([]change.Event{row(1, 1, 2), event(0, 3, 11)})
	if got := places(b.told(ends(4, 4, 1))); got != "" {
		t.Errorf("told after a sign of life, passed %q", got)
	}
}

// TestEndOfSnapshotWaitsForElsewhere: where a partition is read by somebody else,
// or not yet, a truncate goes on without it; the end of a snapshot does not, unless
// the partition has nothing any more.
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
		b := reading(1)
		b.pass([]change.Event{test.head})
		b.told(ends(1, 4))
		for range 3 {
			b.passTime(emptyPoll)
		}
		found := b.stalled()
		elsewhere := b.elsewhere(found, ends(1, test.now))
		if got := places(b.goOn(found, elsewhere)); got != test.want {
			t.Errorf("%v, of which %d are there: went on with %q, want %q", test.head.Snapshot, test.now, got, test.want)
		}
	}
}

// TestForeignPartition: one that is not read here, though it has records, holds up the
// changes of its topic once, until it is read here.
func TestForeignPartition(t *testing.T) {
	b := reading(2)
	all := ends(1, 1, 7)
	b.pass([]change.Event{event(0, 0, 1), event(1, 0, 2)})
	if got := places(b.told(all)); got != "" {
		t.Fatalf("passed %q", got)
	}
	for range 3 {
		b.passTime(emptyPoll)
	}
	found := b.stalled()
	if got := places(b.goOn(found, b.elsewhere(found, all))); got != "0@0 1@0" {
		t.Fatalf("%v is silent, passed %q", found, got)
	}
	b.pass([]change.Event{event(0, 1, 3)})
	if got := places(b.told(ends(2, 1, 8))); got != "0@1" {
		t.Errorf("it is waited for again, passed %q", got)
	}
	b.begin([]change.Beginning{{Partition: at(2)}})
	b.pass([]change.Event{event(0, 2, 5)})
	if got := places(b.told(ends(3, 1, 8))); got != "" {
		t.Errorf("it is not waited for though it is read, passed %q", got)
	}
}

// TestPollsLetTimePass: polls with records of others do so slowly, and a source
// that does not answer does not at all.
func TestPollsLetTimePass(t *testing.T) {
	var p poll
	p.note(change.Delivery{Begun: []change.Beginning{{}}})
	if p != noPoll {
		t.Errorf("a new partition: %d", p)
	}
	p.note(change.Delivery{})
	if p != emptyPoll {
		t.Errorf("an empty poll: %d", p)
	}
	p.note(change.Delivery{Events: []change.Event{{}}})
	p.note(change.Delivery{})
	if p != somePoll {
		t.Errorf("a poll with records: %d", p)
	}
	b := reading(2)
	b.passTime(emptyPoll)
	if b.ticks != 0 {
		t.Errorf("time passes while nobody waits")
	}
}
