package pipeline

import "metadb/internal/change"

// topic has the partitions of one topic that are read, and how many there are.
type topic struct {
	lanes      []*lane
	partitions int
	// deletes and olderDeletes have the lsn of the changes of key whose deletes have
	// passed; noDeletes says that one has been waited for in vain.
	deletes, olderDeletes map[uint64]bool
	noDeletes             bool
	// noEarlierDeletes says so of one that may have been applied before the run.
	noEarlierDeletes bool
}

// lane is one partition.
type lane struct {
	change.Partition
	of *topic
	// from is where reading began, next the offset behind the last event
	// that was let through.
	from, next int64
	fresh      bool
	// newcomer says that the next event is the first of a partition that
	// appeared while its topic had positions.
	newcomer bool
	// high is the highest source.lsn of the changes that were delivered, stored that
	// of those that had been applied when reading began.
	high, stored uint64
	// passedCommit and passedLSN are the highest source.sequence that has been let through,
	// passedTime the time of that change: a source that was restored goes on with lower ones.
	passedCommit, passedLSN uint64
	passedTime              change.Micros
	// unpaired is for how many intervals the head has waited for the delete of its
	// change of key.
	unpaired int
	// queue are events held back, in order, and bytes about what they take.
	queue []held
	bytes int
	// full says that no more of it is read until half of it has gone.
	full bool
	// ends are the ends that the others have to come to before the head of
	// the queue may go, nil while they are not known; told is when they
	// became known, heard when the last event was delivered, in ticks. They
	// hold for the first events of the queue, those of that moment.
	ends        map[change.Partition]int64
	covered     int
	told, heard int
	// unread are partitions of its topic that had records and were not read when the
	// ends became known.
	unread []change.Partition
	// partial says that the ends are those of its own topic alone.
	partial bool
	// mute says that nothing came from it for long, though it should have.
	mute bool
}

// held is an event that waits.
type held struct {
	change.Event
	// place is where a change stands among those of its topic: its
	// source.lsn, or the highest before it, since what a connector sends again
	// goes where it is. It is 0 for what has no place.
	place uint64
	// ripe is the time from which on the ends say what was written before it.
	ripe change.Micros
}

// hold returns a delivered event as one that waits.
func (b *barrier) hold(l *lane, e *change.Event, place uint64) {
	if len(l.queue) == 0 {
		b.queued = append(b.queued, l)
	}
	l.queue = append(l.queue, held{*e, place, min(b.now, e.Record.Time) + b.skew})
	l.bytes += size(e)
	l.full = l.full || l.bytes > b.limit()
}

// laneBytes is how much of a partition is held back before it is not read any
// further: less than the client would have to fetch once more. All together hold
// heldBytes, and a delivery more.
const (
	laneBytes = 1 << 20
	heldBytes = 16 << 20
)

// settled reports whether the lane has a position.
func (l *lane) settled() bool { return !l.fresh || l.next > l.from }

// place returns the place of a delivered event, 0 if it has none. What has no lsn and
// speaks of its topic stands behind what came before it.
func (l *lane) place(e *change.Event) uint64 {
	switch {
	case e.Snapshot != change.Streamed || e.Op == change.Ignore:
		return 0
	case e.LSN == 0 && (e.Op == change.Truncate || e.OldKey != nil):
		return max(l.high, 1)
	case e.LSN == 0:
		return 0
	}
	l.high = max(l.high, e.LSN)
	return l.high
}

// ordered reports whether changes have to keep their place among those of other
// partitions.
func (l *lane) ordered() bool { return l.of.partitions > 1 }

func (l *lane) advance(e *change.Event) {
	l.next = e.Position.Offset + 1
	l.newcomer, l.unpaired = false, 0
	if e.LSN > 0 && (e.Time > l.passedTime || e.Commit > l.passedCommit || e.Commit == l.passedCommit && e.LSN > l.passedLSN) {
		l.passedCommit, l.passedLSN, l.passedTime = e.Commit, e.LSN, e.Time
	}
	l.of.pair(e)
}
