package change

import "time"

// SnapshotID identifies an initial or a blocking snapshot among those of one
// source: all its rows have the same lsn and time.
type SnapshotID struct {
	LSN  uint64
	Time Micros
}

// Covers reports whether a record with the given id belongs to the snapshot and is
// not later. It is false for a snapshot without an lsn.
func (s SnapshotID) Covers(id SnapshotID) bool {
	return s.LSN != 0 && s.LSN == id.LSN && id.Time <= s.Time
}

// SnapshotProgress is the progress of an expected snapshot in one batch.
type SnapshotProgress struct {
	// Since identifies the synchronization by the time when it began, zero for the
	// initial one and if that time is not known. The progress of another synchronization
	// than the current one is dropped.
	Since time.Time
	// StartedAt has the times from which on snapshots certainly read rows after the
	// synchronization began.
	StartedAt SnapshotStarts
	// Notified says that a notification reports the snapshot complete. It may be
	// written before the last records.
	Notified bool
	// PreviousSnapshot is an earlier snapshot with records in the batch; zero without such
	// records.
	PreviousSnapshot SnapshotID
	// Complete is the evidence that the snapshot is complete; empty if it is
	// not known to be.
	Complete string
	// Attempts is the state of the snapshot's attempts after the batch. AttemptsChanged says
	// that it has changed.
	Attempts        Attempts
	AttemptsChanged bool
	// NewAttempt says that a new attempt begins in the batch: rows that earlier attempts
	// confirmed are no longer confirmed, and signals of their end no longer count.
	NewAttempt bool
	// KeepsConfirmed says, in an initial synchronization, that there are rows which the current
	// attempt does not confirm: the ids of confirmed rows are stored from now on.
	KeepsConfirmed bool
}
