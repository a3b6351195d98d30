package pipeline

import (
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

// ExpectedSnapshot is the snapshot that completes a synchronization.
type ExpectedSnapshot struct {
	// Table is the table to read; AllTables for the whole data source.
	Table change.Table
	// Since identifies the synchronization by the time when it began, zero for
	// the initial one.
	Since time.Time
	// StartedAt and Notified have the state that earlier runs stored.
	StartedAt change.SnapshotStarts
	Notified  bool
	// IsCovered reports whether a record at a position belongs to the synchronization: a
	// backlog from before it belongs to earlier snapshots. Nil covers every record: an
	// initial snapshot may have begun at any time.
	IsCovered func(change.Position) bool
	// PreviousSnapshot is a snapshot that is known to have been running when the
	// synchronization began. Some of its rows are not covered, so that its end does not
	// count.
	PreviousSnapshot change.SnapshotID
	// Complete says that the snapshot is complete. Signals of its end are ignored then,
	// unless a later attempt begins.
	Complete bool
	// Attempts is the state of its attempts.
	Attempts change.Attempts
	// KeepsConfirmed says that the ids of confirmed rows are stored, HasTables that the source
	// has target tables already.
	KeepsConfirmed, HasTables bool
}

// isCovered reports whether a record belongs to the synchronization.
func (a *ExpectedSnapshot) isCovered(record change.Position) bool {
	return a.IsCovered == nil || a.IsCovered(record)
}

// expectation is the state of an expected snapshot in this run.
type expectation struct {
	ExpectedSnapshot
	// idleFor is how long the stream has been active without a record of the snapshot.
	idleFor time.Duration
	// completion is the evidence that the snapshot is complete, empty without any.
	completion Completion
	// earlierCompleted says that a notification reported the end of an earlier snapshot.
	earlierCompleted bool
}

// notificationGrace is how long no record of the snapshot may be read after a
// notification that it is complete: Debezium sends notifications separately, and they
// may be written before the last records.
const notificationGrace = 10 * time.Second

// markComplete stores the evidence that the snapshot is complete. The mark of the last
// record takes precedence over a notification.
func (a *expectation) markComplete(how Completion) {
	if a.completion != LastRecord {
		a.completion = how
	}
}

// checkComplete reports whether the snapshot is complete, and by which evidence.
func (a *expectation) checkComplete(deadline time.Duration) (Completion, bool) {
	switch {
	case a.Complete:
		return "", false
	case a.completion == LastRecord, a.completion == Notified && a.idleFor >= notificationGrace:
		return a.completion, true
	case deadline > 0 && a.idleFor >= deadline:
		return Deadline, true
	}
	return "", false
}

// observeBatch returns the progress of the snapshot in a batch, as far as it is new.
func (a *expectation) observeBatch(b *batch.Batch) change.SnapshotProgress {
	news := change.SnapshotProgress{Since: a.Since, PreviousSnapshot: a.findPreviousSnapshot(b)}
	attempts, anew := a.observeAttempts(b)
	if attempts != a.Attempts {
		news.Attempts, news.AttemptsChanged, news.NewAttempt = attempts, true, anew
	}
	if (anew || !a.Complete && a.completion != LastRecord) && a.hasLastRecord(b.Signals.SignalsOf(a.Table).LastRecords, attempts.Current, news.PreviousSnapshot) {
		news.Complete = string(LastRecord)
	}
	heard := a.evaluateNotifications(b.Signals.Notifications, attempts.Current)
	if heard.startedAt != a.StartedAt {
		news.StartedAt = heard.startedAt
	}
	news.Notified = (anew || !a.Complete && a.completion == "") && heard.completed
	foreign := anew && a.HasTables && (a.Attempts.Current.IsKnown() || !a.Attempts.AdoptsFirst)
	news.KeepsConfirmed = !a.KeepsConfirmed && (foreign || a.hasUnconfirmedRows(b, attempts.Current))
	return news
}

// hasUnconfirmedRows reports whether a batch has upserts that the current attempt does not
// confirm.
func (a *expectation) hasUnconfirmedRows(b *batch.Batch, now change.Attempt) bool {
	if a.Table != AllTables || !now.IsKnown() {
		return false
	}
	for i := range b.Events {
		if e := &b.Events[i]; e.Op == change.Upsert && !now.Confirms(e) {
			return true
		}
	}
	return false
}

// findPreviousSnapshot returns the snapshot of the rows in a batch that are not covered; zero
// without such rows.
func (a *expectation) findPreviousSnapshot(b *batch.Batch) change.SnapshotID {
	var id change.SnapshotID
	if a.IsCovered == nil || !b.Signals.All.HasRecords {
		return id
	}
	for i := range b.Events {
		e := &b.Events[i]
		if e.Snapshot != change.Streamed && e.Snapshot != change.Incremental && !a.IsCovered(e.Position) {
			id.LSN, id.Time = max(id.LSN, e.LSN), max(id.Time, e.Time)
		}
	}
	return id
}

// hasLastRecord reports whether one of the records with a mark of the last belongs to the
// snapshot's current attempt.
func (a *expectation) hasLastRecord(last []batch.LastRecord, now change.Attempt, before change.SnapshotID) bool {
	for _, record := range last {
		if a.isCovered(record.Position) && now.IsSame(record.Attempt) && !a.PreviousSnapshot.Covers(record.Snapshot) && !before.Covers(record.Snapshot) {
			return true
		}
	}
	return false
}

// applyProgress adds the progress in a batch that has been applied.
func (a *expectation) applyProgress(news change.SnapshotProgress) {
	if !a.Since.Equal(news.Since) {
		return
	}
	if news.StartedAt != (change.SnapshotStarts{}) {
		a.StartedAt = news.StartedAt
	}
	if news.NewAttempt {
		a.completion, a.earlierCompleted, a.Notified, a.Complete, a.idleFor = "", false, false, false, 0
	}
	if news.AttemptsChanged {
		a.Attempts = news.Attempts
	}
	a.KeepsConfirmed = a.KeepsConfirmed || news.KeepsConfirmed
	a.PreviousSnapshot.LSN, a.PreviousSnapshot.Time = max(a.PreviousSnapshot.LSN, news.PreviousSnapshot.LSN), max(a.PreviousSnapshot.Time, news.PreviousSnapshot.Time)
	if news.Notified {
		a.markComplete(Notified)
	}
	if news.Complete != "" {
		a.markComplete(Completion(news.Complete))
	}
}

// observeAttempts returns the state of the snapshot's attempts after a batch, and whether a new
// one begins in it. For a single table only its own records begin one: those of other tables
// may belong to another snapshot.
func (a *expectation) observeAttempts(b *batch.Batch) (known change.Attempts, anew bool) {
	known = a.Attempts
	for _, seen := range b.AttemptRecords {
		if a.isCovered(seen.Position) {
			anew = known.Observe(seen, a.Table == AllTables || a.Table == seen.Table) || anew
		}
	}
	return known, anew
}
