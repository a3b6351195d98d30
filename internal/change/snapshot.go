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

// SnapshotNews is the progress of an expected snapshot in one batch.
type SnapshotNews struct {
	// Since identifies the synchronization by the time when it began, zero for the
	// initial one and if that time is not known. The progress of another synchronization
	// than the current one is dropped.
	Since time.Time
	// Begun has the times from which on snapshots certainly read rows after the
	// synchronization began.
	Begun Begun
	// Notified says that a notification reports the snapshot complete. It may be
	// written before the last records.
	Notified bool
	// Before is an earlier snapshot with records in the batch; zero without such
	// records.
	Before SnapshotID
	// Complete is the evidence that the snapshot is complete; empty if it is
	// not known to be.
	Complete string
	// Attempts is the state of the snapshot's attempts after the batch. Noted says that
	// it has changed.
	Attempts Attempts
	Noted    bool
	// Anew says that a new attempt begins in the batch: rows that earlier attempts
	// confirmed are no longer confirmed, and signals of their end no longer count.
	Anew bool
	// Keeps says, in an initial synchronization, that there are rows which the current
	// attempt does not confirm: the ids of confirmed rows are stored from now on.
	Keeps bool
}
