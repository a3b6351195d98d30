package change

// SnapshotNotification is the content of a Debezium notification about a snapshot.
type SnapshotNotification struct {
	// Incremental separates incremental snapshots from initial and blocking ones. At
	// most one snapshot of each of these two kinds runs at a time.
	Incremental bool
	// Begins says that a snapshot begins; no other one of its kind was running.
	Begins bool
	// RemainingTables are tables at the source that the running snapshot has not begun to
	// read.
	RemainingTables []Table
	// Ends says that the snapshot is complete, or that the table is, if Event.Source
	// names one.
	Ends bool
	// Time is when the connector sent the notification. It orders the notifications of
	// one connector, in different partitions too.
	Time Micros
}

// SnapshotStarts has a time for each of the two kinds of snapshots: rows that a snapshot reads
// after it were certainly read after the synchronization began; zero if not known.
type SnapshotStarts struct{ Initial, Incremental Micros }

// OfKind returns the time of one kind.
func (b *SnapshotStarts) OfKind(incremental bool) *Micros {
	if incremental {
		return &b.Incremental
	}
	return &b.Initial
}
