package ordering

import "metadb/internal/change"

// topicOrder has the queues of a topic's assigned partitions, and the number of all its
// partitions.
type topicOrder struct {
	Queues     []*partitionQueue
	partitions int
	// deletes and olderDeletes have the lsn of changes of key with released deletes;
	// deletesTimedOut says that a wait for such a delete was given up.
	deletes, olderDeletes map[uint64]bool
	deletesTimedOut       bool
	// appliedDeletesTimedOut says so for a delete that may have been applied before the run.
	appliedDeletesTimedOut bool
}

// partitionQueue is the state of one assigned partition, with the events that wait.
type partitionQueue struct {
	change.Partition
	order *topicOrder
	// from is the offset where reading began, next the one behind the last released
	// event.
	from, next int64
	fresh      bool
	// isNewPartition says that the next event is the first one of a partition that
	// appeared while its topic had positions.
	isNewPartition bool
	// maxLSN is the highest source.lsn of the delivered changes.
	maxLSN uint64
	// stored is the progress of the partition when reading began, without its changes.
	stored change.PartitionProgress
	// passedCommit and passedLSN are the highest released source.sequence, passedTime the
	// time of that change: a source that was restored continues with lower positions.
	passedCommit, passedLSN uint64
	passedTime              change.Micros
	// deleteWaits is the number of intervals that the head has waited for the delete of its
	// change of key.
	deleteWaits int
	// pending are the waiting events, in order, and bytes their approximate memory.
	pending []queuedEvent
	bytes   int
	// full says that the partition is paused until half of the queue is released.
	full bool
	// ends are the end offsets that the other partitions must reach before the head of
	// the queue is released, nil while they are not known. They hold for the first
	// coveredEvents of the queue, those that were ready then. endsTick is when they
	// became known, lastSeen when the last event was delivered, in ticks.
	ends               map[change.Partition]int64
	coveredEvents      int
	endsTick, lastSeen int
	// unassignedWithRecords are partitions of the topic that had records and were not assigned
	// when the ends became known.
	unassignedWithRecords []change.Partition
	// ownTopicOnly says that ends has only the partitions of its own topic.
	ownTopicOnly bool
	// stalled says that no record came for long, although the known end was not reached.
	stalled bool
}

// queuedEvent is a waiting event.
type queuedEvent struct {
	change.Event
	// orderLSN orders a change among those of its topic: its source.lsn, or the
	// highest one before it in the partition, since a repetition is applied
	// where it is read. It is 0 for an event without an order.
	orderLSN uint64
	// readyAt is the time from which on end offsets cover all earlier events.
	readyAt change.Micros
}

// enqueue adds a delivered event to its queue.
func (b *Gate) enqueue(l *partitionQueue, e *change.Event, place uint64) {
	if len(l.pending) == 0 {
		b.waitingQueues = append(b.waitingQueues, l)
	}
	l.pending = append(l.pending, queuedEvent{*e, place, min(b.Now, e.Record.Time) + b.WriteSkew})
	l.bytes += e.Size()
	l.full = l.full || l.bytes > b.queueLimit()
}

// MaxQueueBytes is the size of a queue, in bytes, from which on its partition is paused:
// less than the client would have to fetch again. All queues together hold
// maxAllQueuesBytes and at most one delivery more.
const (
	MaxQueueBytes     = 1 << 20
	maxAllQueuesBytes = 16 << 20
)

// hasPosition reports whether the partition has a position, stored or reached in this run.
func (l *partitionQueue) hasPosition() bool { return !l.fresh || l.next > l.from }

// orderLSN returns the order of a delivered event, 0 without one. An event without an lsn
// and with the scope of its topic follows the events before it.
func (l *partitionQueue) orderLSN(e *change.Event) uint64 {
	switch {
	case e.Snapshot != change.Streamed || e.Op == change.Ignore:
		return 0
	case e.LSN == 0 && (e.Op == change.Truncate || e.OldKey != nil):
		return max(l.maxLSN, 1)
	case e.LSN == 0:
		return 0
	}
	l.maxLSN = max(l.maxLSN, e.LSN)
	return l.maxLSN
}

// needsOrder reports whether changes are ordered among those of other partitions.
func (l *partitionQueue) needsOrder() bool { return l.order.partitions > 1 }

func (l *partitionQueue) advancePast(e *change.Event) {
	l.next = e.Position.Offset + 1
	l.isNewPartition, l.deleteWaits = false, 0
	if e.LSN > 0 && (e.Time > l.passedTime || e.Commit > l.passedCommit || e.Commit == l.passedCommit && e.LSN > l.passedLSN) {
		l.passedCommit, l.passedLSN, l.passedTime = e.Commit, e.LSN, e.Time
	}
	l.order.addDelete(e)
}
