package pipeline

import (
	"slices"

	"metadb/internal/change"
)

// Debezium's notifications tell when a snapshot begins and when it is complete. Rows
// that were read before a synchronization began do not confirm, and so the end of what
// was under way then says nothing: an end counts only where it is known that what it is
// about began later. There is one snapshot of each kind at a time, so that what ends
// after a beginning has begun after it, whatever their ids: a signal during an
// incremental snapshot replaces its id, and those of initial ones are random.
//
// One table is complete when the reading of that table has ended. That all of a snapshot has
// ended says nothing of a table: it may not have been part of it, or have failed.

// hearing is what notifications tell of a snapshot that is expected.
type hearing struct {
	// begun is since when the snapshots began that count.
	begun change.Begun
	// ended says that one that counts has ended, early that one has that was under
	// way before.
	ended, early bool
}

// listen returns what is known after some notifications.
// An end that was told before the present attempt of the snapshot began is that of an
// earlier one.
func (a *awaited) listen(notices []notice, now change.Attempt) hearing {
	heard := hearing{begun: a.Begun}
	for i := range notices {
		n := &notices[i]
		if !a.counts(n.at) {
			continue
		}
		begun := heard.begun.Of(n.Incremental)
		if a.isEnd(n) {
			// The time tells what has overtaken it in another partition.
			earlier := !n.Incremental && n.Time < now.Time
			if !earlier && (a.Counts == nil || *begun != 0 && *begun <= n.Time) {
				heard.ended = true
			} else {
				heard.early = true
			}
		}
		if *begun == 0 && (n.Begins || a.Table != AllTables && slices.Contains(n.Waiting, a.Table)) {
			*begun = max(n.Time, 1)
		}
	}
	return heard
}

// isEnd reports whether a notification says that what is awaited is complete.
func (a *awaited) isEnd(n *notice) bool {
	if a.Table == AllTables {
		return n.Ends && !n.named && !n.Incremental
	}
	return n.Ends && n.named && n.table == a.Table
}
