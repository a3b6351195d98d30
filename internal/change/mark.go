package change

import "slices"

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
	// HighCommit and TopLSN are the highest source.sequence of the connector's
	// present run. Where changes have no commit's lsn, HighCommit is 0, and TopLSN
	// is the highest source.lsn among those that have HighTime.
	HighCommit, TopLSN uint64
	// Recent are the last changes, as far as a repetition of theirs could not be
	// recognized by its position alone. Those up to the time Forgotten may be
	// missing.
	Recent    []Seen
	Forgotten Micros
	// Transactions are the last ones whose changes have no commit's lsn. Those up to the
	// time ForgottenTx may be missing.
	Transactions []Transaction
	ForgottenTx  Micros
	// Reached is the highest Next that the topic has had: more than Next where
	// somebody has moved the position back.
	Reached int64
	// TopicID is the topic's identity when the position was stored.
	TopicID TopicID
}

// Equal reports whether two marks are the same.
func (m *Mark) Equal(other *Mark) bool {
	return m.Next == other.Next && m.Reached == other.Reached && m.TopicID == other.TopicID &&
		m.HighLSN == other.HighLSN && m.HighTime == other.HighTime &&
		m.SnapshotLSN == other.SnapshotLSN && m.SnapshotTime == other.SnapshotTime &&
		m.HighCommit == other.HighCommit && m.TopLSN == other.TopLSN &&
		m.Forgotten == other.Forgotten && slices.Equal(m.Recent, other.Recent) &&
		m.ForgottenTx == other.ForgottenTx && slices.Equal(m.Transactions, other.Transactions)
}

// Seen is a change that a partition has shown.
type Seen struct {
	LSN uint64
	// Key is the event's KeyHash.
	Key  uint64
	Time Micros
	// New says that it was certainly none that was sent again.
	New bool
}

// Verdict says whether an event has been in the stream before.
type Verdict uint8

// The verdicts. What is doubtful is for the key's versions to decide.
const (
	New Verdict = iota
	Doubtful
	Repeated
)

// Judge says whether a change has been in the mark's partition before (docs/spec/01-tables.md#repetition). A
// connector sends the changes of its partition in the order in which they were committed,
// and after a crash goes back by some and sends all that follow once more.
//
// By source.sequence that order is exact: what is below the highest is repeated, unless
// it is later than all that was seen, as after the source was restored or moved. Rows of
// one multi-insert have the same position, as have both halves of a change of key, and a
// delivery may end between them: those that were there are among the recent ones.
//
// By source.lsn alone it is not, since of two transactions that run side by side the one
// that wrote first may commit last. The change's transaction decides then: see
// judgeTransaction. Where that is not known the recent changes do, and beyond them the order
// of the key: a row is locked until the transaction that changed it is over.
func (m *Mark) Judge(e *Event, key uint64) Verdict {
	order, exact := m.compare(e)
	switch {
	case order > 0:
		return New
	case m.recently(e, key):
		return Repeated
	case exact && order == 0 || e.isLater(m.HighTime):
		return New
	case exact:
		return Repeated
	}
	if verdict, known := m.judgeTransaction(e); known {
		return verdict
	}
	if e.isLater(m.Forgotten) {
		return New
	}
	switch latest := m.latest(key); {
	case latest == nil:
		return Doubtful
	case latest.follows(e):
		return Repeated
	case latest.New:
		return New
	}
	return Doubtful
}

// JudgeElsewhere says whether a change that is new to its own partition has been in the
// mark's partition, another one of its topic, before: as a truncate, which may be sent to any
// partition, or after partitions were added.
func (m *Mark) JudgeElsewhere(e *Event, key uint64) Verdict {
	order, _ := m.compare(e)
	switch {
	case m.recently(e, key):
		return Repeated
	case order >= 0 || e.isLater(m.HighTime):
		return New
	}
	if m.ChangedLater(e, key) || !e.isLater(m.Forgotten) {
		return Doubtful // it comes late, or was there before
	}
	return New
}

// compare returns where a change stands, as of the highest position so far: above it, at
// it or below. exact says that the order is that of the commits.
func (m *Mark) compare(e *Event) (order int, exact bool) {
	if exact = e.Commit > 0 && m.HighCommit > 0; exact {
		return comparePairs(e.Commit, e.LSN, m.HighCommit, m.TopLSN), true
	}
	if e.LSN > m.HighLSN || e.isLater(m.HighTime) || m.HighCommit == 0 && e.Time == m.HighTime && e.LSN > m.TopLSN {
		return 1, false
	}
	return -1, false
}

// isLater reports whether the source's time of an event is later than another. Of one that is not
// the source's that is not known: a record that is sent again has another time in Kafka.
func (e *Event) isLater(than Micros) bool { return e.Claimed == 0 && e.Time > than }

func comparePairs(a, b, x, y uint64) int {
	switch {
	case a < x || a == x && b < y:
		return -1
	case a > x || b > y:
		return 1
	}
	return 0
}

// recently reports whether a change is among the recent ones.
func (m *Mark) recently(e *Event, key uint64) bool {
	for i := len(m.Recent) - 1; i >= 0; i-- {
		if s := &m.Recent[i]; s.LSN == e.LSN && s.Key == key && (s.Time == e.Time || e.Claimed != 0) {
			return true
		}
	}
	return false
}

// latest returns the last of the recent changes of a key, nil if there is none.
func (m *Mark) latest(key uint64) *Seen {
	for i := len(m.Recent) - 1; i >= 0; i-- {
		if m.Recent[i].Key == key {
			return &m.Recent[i]
		}
	}
	return nil
}

// ChangedSince reports whether a change is preceded, among the recent ones, by a new one
// of its key: then it is new to the topic as well, since the key's changes come to
// this partition now.
func (m *Mark) ChangedSince(e *Event, key uint64) bool {
	latest := m.latest(key)
	return latest != nil && latest.New && !latest.follows(e)
}

// ChangedLater reports whether a change of the same key among the recent ones follows a
// change: then it comes late, or was there before, since its key has moved.
func (m *Mark) ChangedLater(e *Event, key uint64) bool {
	latest := m.latest(key)
	return latest != nil && latest.follows(e)
}

// follows reports whether the change comes after one of the same key: by time first, since
// another server may have lower positions.
func (s *Seen) follows(e *Event) bool {
	if e.Claimed != 0 {
		return s.LSN > e.LSN
	}
	return s.Time > e.Time || s.Time == e.Time && s.LSN > e.LSN
}

// SuspectsRow reports whether a row of a snapshot may have been sent before: it is above
// neither the highest lsn nor the highest time of what came before.
//
// What a snapshot has read says nothing of changes: it is ahead of those that were
// made while it read, which come after it. The rows of one snapshot share their lsn,
// and its repetition has another one, so that they are not suspect for being alike.
func (m *Mark) SuspectsRow(e *Event) bool {
	return e.LSN > 0 && e.LSN < max(m.HighLSN, m.SnapshotLSN) && !e.isLater(max(m.HighTime, m.SnapshotTime))
}

// LatestTime is the highest time that the partition has shown.
func (m *Mark) LatestTime() Micros { return max(m.HighTime, m.SnapshotTime) }

// keptRecent is how many changes a mark remembers where it has to look them up, which
// it does with as many more at most before it forgets those.
const keptRecent = 128

// Raise takes note of a change that is not repeated. only says that its topic has no other
// partition.
func (m *Mark) Raise(e *Event, key uint64, verdict Verdict, only bool) {
	if e.LSN > 0 {
		if !m.precedes(e) {
			m.raiseTransaction(e)
			m.raisePosition(e, only)
		}
		m.remember(Seen{LSN: e.LSN, Key: key, Time: e.Time, New: verdict == New})
	}
	m.HighLSN, m.HighTime = max(m.HighLSN, e.LSN), max(m.HighTime, e.Time)
}

// RaiseRow takes note of a row of a snapshot. Those of incremental ones are read beside
// the stream, and their positions and times say nothing of its order.
func (m *Mark) RaiseRow(e *Event) {
	if e.Snapshot != Incremental {
		m.SnapshotLSN, m.SnapshotTime = max(m.SnapshotLSN, e.LSN), max(m.SnapshotTime, e.Time)
	}
}

// precedes reports whether a change without a commit's lsn, new to the partition, is of a
// connector's first transaction long ago: it was sent to another partition then.
func (m *Mark) precedes(e *Event) bool {
	return e.Commit == 0 && m.HighCommit > 0 && e.LSN <= m.HighLSN && e.Time <= m.HighTime
}

func (m *Mark) raisePosition(e *Event, only bool) {
	switch {
	case e.Commit > 0:
		// Of what has a position of its own nothing need be remembered.
		if e.Time > m.HighTime || only && (e.Commit != m.HighCommit || e.LSN != m.TopLSN) {
			m.forget(len(m.Recent))
		}
		m.TopLSN = e.LSN
	case e.Time > m.HighTime:
		m.TopLSN = e.LSN
	case m.HighCommit > 0:
		m.TopLSN = max(m.HighLSN, e.LSN)
	case e.Time == m.HighTime:
		m.TopLSN = max(m.TopLSN, e.LSN)
	}
	m.HighCommit = e.Commit
}

// remember adds a recent change. Those that share the last one's position are kept: they are the
// rows of a page at most.
func (m *Mark) remember(s Seen) {
	m.Recent = append(m.Recent, s)
	surplus := len(m.Recent) - keptRecent
	if surplus < keptRecent {
		return
	}
	for surplus > 0 && m.Recent[surplus-1].LSN == s.LSN {
		surplus--
	}
	m.forget(surplus)
}

// forget forgets the first n of the recent changes.
func (m *Mark) forget(n int) {
	for i := range n {
		m.Forgotten = max(m.Forgotten, m.Recent[i].Time)
	}
	m.Recent = append(m.Recent[:0], m.Recent[n:]...)
}
