package change

import "time"

// SnapshotID tells snapshots of one source apart: all rows of an initial or a
// blocking one have the same lsn and time.
type SnapshotID struct {
	LSN  uint64
	Time Micros
}

// Covers reports whether a record of another id belongs to the snapshot, or came
// no later. Without an lsn that is not known.
func (s SnapshotID) Covers(id SnapshotID) bool {
	return s.LSN != 0 && s.LSN == id.LSN && id.Time <= s.Time
}

// SnapshotNews is what records tell of a snapshot that is expected.
type SnapshotNews struct {
	// Since says which synchronization it is about: when it began, zero for
	// the initial one and where that is not known. News about another one than the present is dropped.
	Since time.Time
	// Begun is since when what snapshots read was read after the synchronization
	// began.
	Begun Begun
	// Notified says that a notification calls it complete, which may overtake its
	// last records.
	Notified bool
	// Before is an earlier snapshot of which a record has come; zero if none
	// has.
	Before SnapshotID
	// Complete says how it is seen that the snapshot is complete; empty if
	// that is not known.
	Complete string
	// Attempts is what is known of the snapshot's attempts, and Noted says that this is
	// news.
	Attempts Attempts
	Noted    bool
	// Anew says that Attempts.Now begins with the batch: what earlier attempts have
	// confirmed does not count any more, nor does what said that they were complete.
	Anew bool
	// Keeps says, in an initial synchronization, that rows are there or come which the
	// source's present attempt does not confirm: the ids of confirmed rows are kept from
	// now on.
	Keeps bool
}
