package pipeline

import (
	"testing"

	"metadb/internal/change"
)

// TestChangeOfKeyAfterARestart expects the insert of a change of key to wait for a delete
// that was not read in this run as long as a partition can still have it, for any stored
// positions of the others, and to be released when no partition can.
func TestChangeOfKeyAfterARestart(t *testing.T) {
	sequence := func(e change.Event, commit uint64) change.Event {
		e.Commit, e.Time = commit, change.Micros(commit)
		return e
	}
	insert := sequence(keyChangeEvent(0, 7, 50), 40)
	stored := func(commit, lsn uint64) change.PartitionProgress {
		return change.PartitionProgress{Next: 7, MaxNext: 7, HighLSN: lsn, HighCommit: commit, TopLSN: lsn, HighTime: change.Micros(commit)}
	}
	for _, test := range []struct {
		name   string
		others [2]change.PartitionProgress
		arrive []change.Event
		// waits says that the insert waits before anything arrives, want has the events released
		// then, and unpaired says whether the insert is released without its delete.
		waits    bool
		want     string
		unpaired bool
	}{
		{"the delete comes from a partition that is behind", [2]change.PartitionProgress{stored(60, 65), stored(20, 25)}, []change.Event{sequence(deleted(2, 7, 50), 40)}, true, "2@7 0@7", false},
		{"an open transaction had higher positions", [2]change.PartitionProgress{stored(60, 65), stored(30, 75)}, []change.Event{sequence(deleted(2, 7, 50), 40)}, true, "2@7 0@7", false},
		{"all others have gone by", [2]change.PartitionProgress{stored(60, 65), stored(20, 25)}, []change.Event{sequence(event(2, 7, 80), 70)}, true, "2@7 0@7", true},
		{"all others had gone by", [2]change.PartitionProgress{stored(60, 65), stored(40, 55)}, nil, false, "", true},
		{"it was the last of another", [2]change.PartitionProgress{stored(40, 50), stored(20, 25)}, nil, false, "", false},
		{"nothing comes", [2]change.PartitionProgress{stored(60, 65), stored(20, 25)}, nil, true, "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newOrderGate(func(*change.Event) bool { return true })
			var begun []change.Assignment
			for number, mark := range []change.PartitionProgress{stored(30, 35), test.others[0], test.others[1]} {
				begun = append(begun, change.Assignment{Partition: at(int32(number)), Stored: mark, From: 7})
			}
			b.assignPartitions(begun)
			passed := b.addEvents([]change.Event{insert})
			for b.needsEnds() {
				passed = append(passed, b.setEndOffsets(ends(8, 7, 7))...)
			}
			if waits := len(passed) == 0; waits != test.waits {
				t.Fatalf("the insert waits: %t", waits)
			}
			if len(test.arrive) > 0 {
				passed = append(passed, b.addEvents(test.arrive)...)
				for b.needsEnds() {
					passed = append(passed, b.setEndOffsets(ends(8, 7, 8))...)
				}
				if got := describePositions(passed); got != test.want {
					t.Errorf("%s passed, want %s", got, test.want)
				}
			}
			for n := 0; len(passed) == 0 && n < maxAppliedDeleteWaits; n++ {
				_, through := b.releaseUnpaired()
				passed = append(passed, through...)
			}
			for _, e := range passed {
				if e.OldKey != nil && e.Unpaired != test.unpaired {
					t.Errorf("it goes without its delete: %t", e.Unpaired)
				}
			}
			if len(b.waitingQueues) > 0 {
				t.Error("something is held back")
			}
		})
	}
}
