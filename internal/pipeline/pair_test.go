package pipeline

import (
	"testing"

	"metadb/internal/change"
)

// TestChangeOfKeyAfterARestart: the insert of a change of key whose delete has not come in
// this run waits as long as a partition can still bring that, whatever others had
// come to before, and goes on where none can.
func TestChangeOfKeyAfterARestart(t *testing.T) {
	sequence := func(e change.Event, commit uint64) change.Event {
		e.Commit, e.Time = commit, change.Micros(commit)
		return e
	}
	insert := sequence(rekeyed(0, 7, 50), 40)
	stored := func(commit, lsn uint64) change.Mark {
		return change.Mark{Next: 7, Reached: 7, HighLSN: lsn, HighCommit: commit, TopLSN: lsn, HighTime: change.Micros(commit)}
	}
	for _, test := range []struct {
		name   string
		others [2]change.Mark
		arrive []change.Event
		// waits says that the insert waits before anything arrives, want what passes then, and
		// unpaired whether the insert goes without its delete.
		waits    bool
		want     string
		unpaired bool
	}{
		{"the delete comes from a partition that is behind", [2]change.Mark{stored(60, 65), stored(20, 25)}, []change.Event{sequence(deleted(2, 7, 50), 40)}, true, "2@7 0@7", false},
		{"an open transaction had higher positions", [2]change.Mark{stored(60, 65), stored(30, 75)}, []change.Event{sequence(deleted(2, 7, 50), 40)}, true, "2@7 0@7", false},
		{"all others have gone by", [2]change.Mark{stored(60, 65), stored(20, 25)}, []change.Event{sequence(event(2, 7, 80), 70)}, true, "2@7 0@7", true},
		{"all others had gone by", [2]change.Mark{stored(60, 65), stored(40, 55)}, nil, false, "", true},
		{"it was the last of another", [2]change.Mark{stored(40, 50), stored(20, 25)}, nil, false, "", false},
		{"nothing comes", [2]change.Mark{stored(60, 65), stored(20, 25)}, nil, true, "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBarrier(func(*change.Event) bool { return true })
			var begun []change.Beginning
			for number, mark := range []change.Mark{stored(30, 35), test.others[0], test.others[1]} {
				begun = append(begun, change.Beginning{Partition: at(int32(number)), Stored: mark, From: 7})
			}
			b.begin(begun)
			passed := b.pass([]change.Event{insert})
			for b.asks() {
				passed = append(passed, b.told(ends(8, 7, 7))...)
			}
			if waits := len(passed) == 0; waits != test.waits {
				t.Fatalf("the insert waits: %t", waits)
			}
			if len(test.arrive) > 0 {
				passed = append(passed, b.pass(test.arrive)...)
				for b.asks() {
					passed = append(passed, b.told(ends(8, 7, 8))...)
				}
				if got := places(passed); got != test.want {
					t.Errorf("%s passed, want %s", got, test.want)
				}
			}
			for n := 0; len(passed) == 0 && n < earlierLimit; n++ {
				_, through := b.releaseUnpaired()
				passed = append(passed, through...)
			}
			for _, e := range passed {
				if e.OldKey != nil && e.Unpaired != test.unpaired {
					t.Errorf("it goes without its delete: %t", e.Unpaired)
				}
			}
			if len(b.queued) > 0 {
				t.Error("something is held back")
			}
		})
	}
}
