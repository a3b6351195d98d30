package change

// Mark is how far the stream has come in one partition. It is stored with the
// rows: package checkpoint.
type Mark struct {
	// Next is the offset of the first record that has not been applied.
	Next int64
	// HighLSN and HighTime are the highest source.lsn and source time that
	// changes in the partition have shown so far, zero before the first, and
	// SnapshotLSN and SnapshotTime those of rows that a snapshot has read.
	HighLSN, SnapshotLSN   uint64
	HighTime, SnapshotTime Micros
	// Reached is the highest Next that the topic has had: more than Next where
	// somebody has moved the position back.
	Reached int64
	// TopicID is the topic's identity when the position was stored.
	TopicID TopicID
}

// Suspects reports whether an event may be one that was sent before (SPEC 1): it
// is above neither the highest lsn nor the highest time of what came before.
//
// What a snapshot has read says nothing of changes: it is ahead of those that were
// made while it read, which come after it. The rows of one snapshot share their lsn,
// and its repetition has another one, so that they are not suspect for being alike.
// Nor is the insert of a change of key, which has the lsn of its delete: where both
// are repeated, and nothing came after them, the row is what it is.
func (m *Mark) Suspects(e *Event) bool {
	lsn, time := m.HighLSN, m.HighTime
	if e.Snapshot != Streamed {
		lsn, time = max(lsn, m.SnapshotLSN), max(time, m.SnapshotTime)
	}
	if e.LSN == 0 || e.Time > time || e.LSN > lsn {
		return false
	}
	return e.Snapshot == Streamed && e.OldKey == nil || e.LSN < lsn
}

// Raise takes note of an event that has passed. The rows of incremental snapshots
// have no lsn, and their times say nothing of the order.
func (m *Mark) Raise(e *Event) {
	switch e.Snapshot {
	case Streamed:
		m.HighLSN, m.HighTime = max(m.HighLSN, e.LSN), max(m.HighTime, e.Time)
	case Incremental:
	default:
		m.SnapshotLSN, m.SnapshotTime = max(m.SnapshotLSN, e.LSN), max(m.SnapshotTime, e.Time)
	}
}
