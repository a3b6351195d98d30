package change

// Notice is what a notification of Debezium's says about a snapshot.
type Notice struct {
	// Incremental tells incremental snapshots from initial and blocking ones: one
	// of each kind may be under way at a time, and no more.
	Incremental bool
	// Begins says that a snapshot begins: none of its kind was under way.
	Begins bool
	// Waiting are tables at the source that the snapshot under way still has to
	// read from their beginning.
	Waiting []Table
	// Ends says that the snapshot is complete, or, where Event.Source names a
	// table, the reading of that one.
	Ends bool
	// Time is when the connector said it; of one connector, it orders notices also
	// where they stand in different partitions.
	Time Micros
}

// Begun is since when what the two kinds of snapshots read is known to have been read
// after a synchronization began: zero where that is not known.
type Begun struct{ Initial, Incremental Micros }

// Of returns that of one kind.
func (b *Begun) Of(incremental bool) *Micros {
	if incremental {
		return &b.Incremental
	}
	return &b.Initial
}
