package change

// Notice is the content of a Debezium notification about a snapshot.
type Notice struct {
	// Incremental separates incremental snapshots from initial and blocking ones. At
	// most one snapshot of each of these two kinds runs at a time.
	Incremental bool
	// Begins says that a snapshot begins; no other one of its kind was running.
	Begins bool
	// Waiting are tables at the source that the running snapshot has not begun to
	// read.
	Waiting []Table
	// Ends says that the snapshot is complete, or that the table is, if Event.Source
	// names one.
	Ends bool
	// Time is when the connector sent the notification. It orders the notifications of
	// one connector, in different partitions too.
	Time Micros
}

// Begun has a time for each of the two kinds of snapshots: rows that a snapshot reads
// after it were certainly read after the synchronization began; zero if not known.
type Begun struct{ Initial, Incremental Micros }

// Of returns the time of one kind.
func (b *Begun) Of(incremental bool) *Micros {
	if incremental {
		return &b.Incremental
	}
	return &b.Initial
}
