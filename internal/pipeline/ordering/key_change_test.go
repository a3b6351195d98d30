package ordering

import (
	"testing"

	"metadb/internal/change"
)

// TestChangeOfKeyAfterARestart expects the insert of a change of key to wait for a delete
// that was not read in this run as long as a partition can still have it, for any stored
// positions of the others, and to be released when no partition can. The topic may have other
// tables, with transactions that were open at the same time: a partition that has changes with
// higher LSNs may still get the delete.
func TestChangeOfKeyAfterARestart(t *testing.T) {
	sequence := func(e change.Event, commit uint64) change.Event {
		e.Commit, e.Time = commit, change.Micros(commit)
		return e
	}
	timed := func(e change.Event, at change.Micros) change.Event {
		e.Time = at
		return e
	}
	insert := sequence(keyChangeEvent(0, 7, 50), 40)
	stored := func(commit, lsn uint64) change.PartitionProgress {
		return change.PartitionProgress{Next: 7, MaxNext: 7, HighLSN: lsn, HighCommit: commit, TopLSN: lsn, HighTime: change.Micros(commit)}
	}
	// lastOf is a partition with a last change (commit, lsn), and an earlier one with a higher LSN.
	lastOf := func(commit, lsn, high uint64) change.PartitionProgress {
		progress := stored(commit, lsn)
		progress.HighLSN = high
		return progress
	}
	unsequenced := func(e change.Event, at change.Micros) change.Event {
		e.Commit, e.Time = 0, at
		return e
	}
	unsequencedProgress := func(lsn uint64, at change.Micros) change.PartitionProgress {
		return change.PartitionProgress{Next: 7, MaxNext: 7, HighLSN: lsn, TopLSN: lsn, HighTime: at}
	}
	for _, test := range []struct {
		name   string
		insert change.Event
		others [2]change.PartitionProgress
		arrive []change.Event
		// waits says that the insert waits before anything arrives, want has the events released
		// then, and unpaired says whether the insert is released without its delete. intervals are
		// the intervals after which the insert is released if nothing arrives.
		waits     bool
		want      string
		unpaired  bool
		intervals int
	}{
		{"the delete comes from a partition that is behind", insert, [2]change.PartitionProgress{stored(60, 65), stored(20, 25)}, []change.Event{sequence(deleted(2, 7, 50), 40)}, true, "2@7 0@7", false, 0},
		{"an open transaction had higher positions", insert, [2]change.PartitionProgress{stored(60, 65), stored(30, 75)}, []change.Event{sequence(deleted(2, 7, 50), 40)}, true, "2@7 0@7", false, 0},
		{"all others have gone by", insert, [2]change.PartitionProgress{stored(60, 65), stored(20, 25)}, []change.Event{sequence(event(2, 7, 80), 70)}, true, "2@7 0@7", true, 0},
		{"all others had gone by", insert, [2]change.PartitionProgress{stored(60, 65), stored(40, 55)}, nil, false, "", true, 0},
		{"it was the last of another", insert, [2]change.PartitionProgress{stored(40, 50), stored(20, 25)}, nil, false, "", false, 0},
		{"it was the last of another, after an open transaction", insert, [2]change.PartitionProgress{lastOf(40, 50, 75), stored(20, 25)}, nil, false, "", false, 0},
		{"nothing comes, and one has gone by", insert, [2]change.PartitionProgress{stored(60, 65), stored(20, 25)}, nil, true, "", true, maxAppliedDeleteWaits},
		{"nothing comes, and none has", insert, [2]change.PartitionProgress{stored(30, 35), stored(20, 25)}, nil, true, "", true, maxDeleteWaits},
		{"nothing comes, and none has: transactions of other tables had higher positions", insert, [2]change.PartitionProgress{stored(30, 75), stored(35, 80)}, nil, true, "", true, maxDeleteWaits},
		{"nothing comes without source.sequence, and one may have gone by", unsequenced(insert, 40), [2]change.PartitionProgress{unsequencedProgress(75, 40), unsequencedProgress(25, 20)}, nil, true, "", true, maxAppliedDeleteWaits},
		{"nothing comes without source.sequence, and none has gone by: it is later", unsequenced(insert, 40), [2]change.PartitionProgress{unsequencedProgress(75, 30), unsequencedProgress(80, 35)}, nil, true, "", true, maxDeleteWaits},
		{"the delete comes from a source that was restored", timed(insert, 80), [2]change.PartitionProgress{stored(60, 65), stored(60, 65)}, []change.Event{timed(sequence(deleted(2, 7, 50), 40), 80)}, true, "2@7 0@7", false, 0},
		{"nothing comes from a source that was restored", timed(insert, 80), [2]change.PartitionProgress{stored(60, 65), stored(60, 65)}, nil, true, "", true, maxDeleteWaits},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newTestGate(true)
			var begun []change.Assignment
			for number, mark := range []change.PartitionProgress{stored(30, 35), test.others[0], test.others[1]} {
				begun = append(begun, change.Assignment{Partition: at(int32(number)), Stored: mark, From: 7})
			}
			b.queues.assign(begun)
			passed := b.addEvents([]change.Event{test.insert})
			for b.needsEnds() {
				passed = append(passed, b.SetEnds(ends(8, 7, 7), true)...)
			}
			if waits := len(passed) == 0; waits != test.waits {
				t.Fatalf("the insert waits: %t", waits)
			}
			if len(test.arrive) > 0 {
				passed = append(passed, b.addEvents(test.arrive)...)
				for b.needsEnds() {
					passed = append(passed, b.SetEnds(ends(8, 7, 8), true)...)
				}
				if got := describePositions(passed); got != test.want {
					t.Errorf("%s passed, want %s", got, test.want)
				}
			}
			intervals := 0
			for ; len(passed) == 0 && intervals < maxDeleteWaits; intervals++ {
				through, _ := b.ReleaseUnpaired()
				passed = append(passed, through...)
			}
			if intervals != test.intervals {
				t.Errorf("it waits for %d intervals, want %d", intervals, test.intervals)
			}
			for _, e := range passed {
				if e.OldKey != nil && e.Unpaired != test.unpaired {
					t.Errorf("it goes without its delete: %t", e.Unpaired)
				}
			}
			if len(b.queues.waiting) > 0 {
				t.Error("something is held back")
			}
		})
	}
}
