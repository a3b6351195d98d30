package change

import "time"

// SnapshotNews is what records tell of a snapshot that is expected.
type SnapshotNews struct {
	// Since says which synchronization it is about: when it began, zero for
	// the initial one and where that is not known. News about another one than the present is dropped.
	Since time.Time
	// Seen says that a record of the snapshot has come, Notified that a
	// notification calls it complete, which may overtake its last records.
	Seen, Notified bool
	// Complete says how it is seen that the snapshot is complete; empty if
	// that is not known.
	Complete string
}
