package pipeline

import (
	"slices"

	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

// Debezium sends notifications when a snapshot begins and when it is complete. Rows
// that were read before a synchronization began do not confirm, and so the end of a
// snapshot counts only if the snapshot is known to have begun later. One snapshot of
// each kind runs at a time: an end that follows a start belongs to a snapshot that
// began no earlier, for any ids: a signal during an incremental snapshot replaces its
// id, and those of initial ones are random.
//
// A single table is complete when the reading of that table has ended. The end of a whole
// snapshot is no evidence for a table: the table may not have been part of it, or have failed.

// signalState is the result of notifications for an expected snapshot.
type signalState struct {
	// startedAt has the times from which on snapshots count.
	startedAt change.SnapshotStarts
	// completed says that a snapshot that counts has ended, earlierCompleted that one has
	// that was running before.
	completed, earlierCompleted bool
}

// evaluateNotifications returns the state after some notifications. An end that is earlier
// than the start of the current attempt belongs to an earlier attempt.
func (a *expectation) evaluateNotifications(notices []batch.Notification, now change.Attempt) signalState {
	heard := signalState{startedAt: a.StartedAt}
	for i := range notices {
		n := &notices[i]
		if !a.isCovered(n.Position) {
			continue
		}
		begun := heard.startedAt.OfKind(n.Incremental)
		if a.isEndNotification(n) {
			// Notifications and rows are in different partitions: only the time orders them.
			earlier := !n.Incremental && n.Time < now.Time
			if !earlier && (a.IsCovered == nil || *begun != 0 && *begun <= n.Time) {
				heard.completed = true
			} else {
				heard.earlierCompleted = true
			}
		}
		if *begun == 0 && (n.Begins || a.Table != AllTables && slices.Contains(n.RemainingTables, a.Table)) {
			*begun = max(n.Time, 1)
		}
	}
	return heard
}

// isEndNotification reports whether a notification reports the end of the expected snapshot.
func (a *expectation) isEndNotification(n *batch.Notification) bool {
	if a.Table == AllTables {
		return n.Ends && !n.IsOfTable && !n.Incremental
	}
	return n.Ends && n.IsOfTable && n.Table == a.Table
}
