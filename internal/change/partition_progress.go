package change

import "slices"

// PartitionProgress is the progress of the stream in one partition. Package checkpoint stores
// it with the rows.
type PartitionProgress struct {
	// Next is the offset of the first record that has not been applied.
	Next int64
	// Restart is the last restart point that is not after Next: reading begins there, and passes
	// over the events before Next.
	Restart RestartPoint
	// HighLSN and HighTime are the highest source.lsn and source time of the
	// partition's changes so far, zero before the first. SnapshotLSN and
	// SnapshotTime are those of snapshot rows.
	HighLSN, SnapshotLSN   uint64
	HighTime, SnapshotTime Micros
	// HighCommit and TopLSN are the highest source.sequence of the connector's
	// present run. Where changes have no commit's lsn, HighCommit is 0, and TopLSN
	// is the highest source.lsn among those that have HighTime.
	HighCommit, TopLSN uint64
	// Recent are the last changes, as far as their repetition can't be recognized
	// by its position alone. Changes up to the time Forgotten may be missing.
	Recent    []RecentChange
	Forgotten Micros
	// Transactions are the last ones with changes that lack a commit's lsn. Transactions
	// up to the time ForgottenTx may be missing.
	Transactions []Transaction
	ForgottenTx  Micros
	// MaxNext is the highest Next so far. It exceeds Next after an administrator has
	// moved the position back.
	MaxNext int64
	// TopicID is the topic's identity when the position was stored.
	TopicID TopicID
}

// Equal reports whether two values are the same.
func (m *PartitionProgress) Equal(other *PartitionProgress) bool {
	return m.Next == other.Next && m.Restart == other.Restart && m.MaxNext == other.MaxNext && m.TopicID == other.TopicID &&
		m.HighLSN == other.HighLSN && m.HighTime == other.HighTime &&
		m.SnapshotLSN == other.SnapshotLSN && m.SnapshotTime == other.SnapshotTime &&
		m.HighCommit == other.HighCommit && m.TopLSN == other.TopLSN &&
		m.Forgotten == other.Forgotten && slices.Equal(m.Recent, other.Recent) &&
		m.ForgottenTx == other.ForgottenTx && slices.Equal(m.Transactions, other.Transactions)
}

// RecentChange is a change that has been read from a partition.
type RecentChange struct {
	LSN uint64
	// Key is the event's KeyHash.
	Key  uint64
	Time Micros
	// New says that the change was certainly not a repetition.
	New bool
}

// Verdict is the answer to the question whether an event repeats an earlier one.
type Verdict uint8

// The verdicts. For a doubtful event the versions of its key decide.
const (
	New Verdict = iota
	PossiblyRepeated
	Repeated
)

// Judge decides whether a change repeats an earlier one of this partition (docs/spec/01-tables.md#repetition). A
// connector sends the changes of a partition in the order of their commits; after a crash
// it returns to an earlier position and sends all changes from there again.
//
// With source.sequence that order is exact: a change below the highest position is a
// repetition unless its time is later than all before, as after the source was restored or
// moved. The rows of one multi-insert have the same position, as do both halves of a
// change of key, and a delivery may end between them: such changes are looked up among the
// recent ones.
//
// With source.lsn alone the order is not exact: of two concurrent transactions, the one
// that wrote first may commit last. The change's transaction decides then: see
// judgeTransaction. If the transaction is not known, the recent changes decide, and beyond
// them the order of the key: a row is locked until the transaction that changed it ends.
func (m *PartitionProgress) Judge(e *Event, key uint64) Verdict {
	order, exact := m.comparePosition(e)
	switch {
	case order > 0:
		return New
	case m.isRecent(e, key):
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
	switch latest := m.latestOfKey(key); {
	case latest == nil:
		return PossiblyRepeated
	case latest.isAfter(e):
		return Repeated
	case latest.New:
		return New
	}
	return PossiblyRepeated
}

// JudgeElsewhere decides whether a change that is new to its own partition repeats one of
// this partition of the same topic: a truncate may be sent to any partition, and keys
// move when partitions are added.
func (m *PartitionProgress) JudgeElsewhere(e *Event, key uint64) Verdict {
	order, _ := m.comparePosition(e)
	switch {
	case m.isRecent(e, key):
		return Repeated
	case order >= 0 || e.isLater(m.HighTime):
		return New
	}
	if m.HasLaterChange(e, key) || !e.isLater(m.Forgotten) {
		return PossiblyRepeated // it was written late, or is a repetition
	}
	return New
}

// comparePosition returns 1, 0 or -1 for a change above, at or below the highest position so far.
// exact says that positions have the order of commits.
func (m *PartitionProgress) comparePosition(e *Event) (order int, exact bool) {
	if exact = e.Commit > 0 && m.HighCommit > 0; exact {
		return comparePairs(e.Commit, e.LSN, m.HighCommit, m.TopLSN), true
	}
	if e.LSN > m.HighLSN || e.isLater(m.HighTime) || m.HighCommit == 0 && e.Time == m.HighTime && e.LSN > m.TopLSN {
		return 1, false
	}
	return -1, false
}

// isLater reports whether the source time of an event is later than another time. It is
// false for an event with the time of its record in Kafka, which a repetition does not share.
func (e *Event) isLater(than Micros) bool { return e.ClaimedTime == 0 && e.Time > than }

func comparePairs(a, b, x, y uint64) int {
	switch {
	case a < x || a == x && b < y:
		return -1
	case a > x || b > y:
		return 1
	}
	return 0
}

// isRecent reports whether a change is among the recent ones.
func (m *PartitionProgress) isRecent(e *Event, key uint64) bool {
	for i := len(m.Recent) - 1; i >= 0; i-- {
		if s := &m.Recent[i]; s.LSN == e.LSN && s.Key == key && (s.Time == e.Time || e.ClaimedTime != 0) {
			return true
		}
	}
	return false
}

// latestOfKey returns the last of the recent changes of a key, nil if they have none of it.
func (m *PartitionProgress) latestOfKey(key uint64) *RecentChange {
	for i := len(m.Recent) - 1; i >= 0; i-- {
		if m.Recent[i].Key == key {
			return &m.Recent[i]
		}
	}
	return nil
}

// HasEarlierChange reports whether a new change of the same key, among the recent ones,
// precedes a change: then the change is new to the topic too, since the key's changes are
// written to this partition now.
func (m *PartitionProgress) HasEarlierChange(e *Event, key uint64) bool {
	latest := m.latestOfKey(key)
	return latest != nil && latest.New && !latest.isAfter(e)
}

// HasLaterChange reports whether a change of the same key, among the recent ones, follows a
// change: then the change was written late, or is a repetition, since its key has moved.
func (m *PartitionProgress) HasLaterChange(e *Event, key uint64) bool {
	latest := m.latestOfKey(key)
	return latest != nil && latest.isAfter(e)
}

// isAfter reports whether a recent change is later than an event of the same key: by time
// first, since another server may have lower positions.
func (s *RecentChange) isAfter(e *Event) bool {
	if e.ClaimedTime != 0 {
		return s.LSN > e.LSN
	}
	return s.Time > e.Time || s.Time == e.Time && s.LSN > e.LSN
}

// SuspectsRow reports whether a row of a snapshot may have been sent before: its lsn is
// below the highest and its time is not above the highest of the partition.
//
// Snapshot rows are no measure for changes: the changes made while a snapshot reads follow
// its rows. The rows of one snapshot share their lsn, and a repeated snapshot has another
// one: an equal lsn makes no row suspect.
func (m *PartitionProgress) SuspectsRow(e *Event) bool {
	return e.LSN > 0 && e.LSN < max(m.HighLSN, m.SnapshotLSN) && !e.isLater(max(m.HighTime, m.SnapshotTime))
}

// LatestTime returns the highest source time of the partition's changes and snapshot rows.
func (m *PartitionProgress) LatestTime() Micros { return max(m.HighTime, m.SnapshotTime) }

// minRecent is the number of recent changes that are kept at least. When there are
// twice as many, the older ones are dropped together.
const minRecent = 128

// Advance advances the progress past a change of its partition. only says that the topic has
// no other partition.
func (m *PartitionProgress) Advance(e *Event, key uint64, verdict Verdict, only bool) {
	if e.LSN > 0 {
		if !m.isOfFirstTransaction(e) {
			m.advanceTransaction(e)
			m.advancePosition(e, only)
		}
		m.addRecent(RecentChange{LSN: e.LSN, Key: key, Time: e.Time, New: verdict == New})
	}
	m.HighLSN, m.HighTime = max(m.HighLSN, e.LSN), max(m.HighTime, e.Time)
}

// AdvanceSnapshot advances the progress past a row of a snapshot. Rows of incremental snapshots are
// read beside the stream; their positions and times are not in its order and don't count.
func (m *PartitionProgress) AdvanceSnapshot(e *Event) {
	if e.Snapshot != Incremental {
		m.SnapshotLSN, m.SnapshotTime = max(m.SnapshotLSN, e.LSN), max(m.SnapshotTime, e.Time)
	}
}

// isOfFirstTransaction reports whether a change without a commit's lsn, new to the partition, belongs
// to the first transaction of an earlier run of the connector, which sent it to another
// partition then.
func (m *PartitionProgress) isOfFirstTransaction(e *Event) bool {
	return e.Commit == 0 && m.HighCommit > 0 && e.LSN <= m.HighLSN && e.Time <= m.HighTime
}

func (m *PartitionProgress) advancePosition(e *Event, only bool) {
	switch {
	case e.Commit > 0:
		// A change with a position of its own need not be kept among the recent ones.
		if e.Time > m.HighTime || only && (e.Commit != m.HighCommit || e.LSN != m.TopLSN) {
			m.dropRecent(len(m.Recent))
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

// addRecent adds a recent change. Changes with the position of the last one are always
// kept: they are at most the rows of one page.
func (m *PartitionProgress) addRecent(s RecentChange) {
	m.Recent = append(m.Recent, s)
	surplus := len(m.Recent) - minRecent
	if surplus < minRecent {
		return
	}
	for surplus > 0 && m.Recent[surplus-1].LSN == s.LSN {
		surplus--
	}
	m.dropRecent(surplus)
}

// dropRecent drops the first n of the recent changes.
func (m *PartitionProgress) dropRecent(n int) {
	for i := range n {
		m.Forgotten = max(m.Forgotten, m.Recent[i].Time)
	}
	m.Recent = append(m.Recent[:0], m.Recent[n:]...)
}
