package ordering

import (
	"cmp"
	"strings"

	"metadb/internal/change"
)

// partitionQueue is the state of one assigned partition, with the events that wait.
type partitionQueue struct {
	partition change.Partition
	lane      *laneOrder
	// from is the offset where reading began, next the one behind the last released
	// event.
	from, next int64
	fresh      bool
	// isNewPartition says that the next event is the first one of a partition that
	// appeared while its lane had positions.
	isNewPartition bool
	// maxLSN is the highest source.lsn of the delivered changes, stored the progress when
	// reading began.
	maxLSN uint64
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
	// unassignedWithRecords are partitions of the lane that had records and were not assigned
	// when the ends became known.
	unassignedWithRecords []change.Partition
	// ownLaneOnly says that ends has only the partitions of its own lane.
	ownLaneOnly bool
	// stalled says that no record came for long, although the known end was not reached.
	stalled bool
}

// queuedEvent is a waiting event.
type queuedEvent struct {
	event change.Event
	// orderLSN orders a change among those of its lane: its source.lsn, or the
	// highest one before it in the partition, since a repetition is applied
	// where it is read. It is 0 for an event without an order.
	orderLSN uint64
	// readyAt is the time from which on end offsets cover all earlier events.
	readyAt change.Micros
}

// newPartitionQueue returns the empty queue of an assigned partition.
func newPartitionQueue(a change.Assignment, lane *laneOrder) *partitionQueue {
	q := &partitionQueue{partition: a.Partition, lane: lane, fresh: isUntouched(a), from: a.From, next: a.From}
	if a.TopicID == a.Stored.TopicID {
		q.stored = a.Stored
		q.stored.Recent, q.stored.Transactions = nil, nil
		q.maxLSN = q.stored.HighLSN
		q.passedCommit, q.passedLSN, q.passedTime = q.stored.HighCommit, q.stored.TopLSN, q.stored.HighTime
	}
	return q
}

// isUntouched reports whether no event of a partition has been applied yet: its first
// position may have been stored while its first event was waiting.
func isUntouched(a change.Assignment) bool {
	return a.Fresh || a.Stored.Next == 0 && a.Stored.MaxNext == 0
}

// hasPosition reports whether the partition has a position, stored or reached in this run.
func (q *partitionQueue) hasPosition() bool { return !q.fresh || q.next > q.from }

// orderLSN returns the order of a delivered event, 0 without one. An event without an lsn
// and with the scope of its lane follows the events before it.
func (q *partitionQueue) orderLSN(e *change.Event) uint64 {
	switch {
	case e.Snapshot != change.Streamed || e.Op == change.Ignore:
		return 0
	case e.LSN == 0 && (e.Op == change.Truncate || e.OldKey != nil):
		return max(q.maxLSN, 1)
	case e.LSN == 0:
		return 0
	}
	q.maxLSN = max(q.maxLSN, e.LSN)
	return q.maxLSN
}

// needsOrder reports whether changes are ordered among those of other partitions.
func (q *partitionQueue) needsOrder() bool { return q.lane.partitions > 1 }

// ordersLane reports whether the next event of the queue has the scope of its lane.
func (q *partitionQueue) ordersLane(e *change.Event) bool {
	return q.isNewPartition && q.needsOrder() && e.Snapshot != change.Streamed || e.Op == change.Truncate ||
		e.OldKey != nil && e.HasUnavailable()
}

// advancePast advances the partition past a released event.
func (q *partitionQueue) advancePast(e *change.Event) {
	q.next = e.Position.Offset + 1
	q.isNewPartition, q.deleteWaits = false, 0
	if e.LSN > 0 && (e.Time > q.passedTime || e.Commit > q.passedCommit || e.Commit == q.passedCommit && e.LSN > q.passedLSN) {
		q.passedCommit, q.passedLSN, q.passedTime = e.Commit, e.LSN, e.Time
	}
	q.lane.addDelete(e)
}

// awaitsEndOf reports whether other has not been read up to the end that q has of it.
func (q *partitionQueue) awaitsEndOf(other *partitionQueue) bool {
	end, known := q.ends[other.partition]
	return known && other.next < end
}

// compareHeads orders two queues by the LSN of their heads; an unknown LSN is last. The order of
// equal heads only has to be the same each time.
func compareHeads(x, y *partitionQueue) int {
	return cmp.Or(
		cmp.Compare(x.pending[0].effectiveLSN()-1, y.pending[0].effectiveLSN()-1), // 0 becomes the highest
		strings.Compare(x.partition.Topic, y.partition.Topic),
		cmp.Compare(x.partition.Number, y.partition.Number),
	)
}

// effectiveLSN returns the LSN that orders an event in its lane, 0 if that is not known.
func (h *queuedEvent) effectiveLSN() uint64 { return cmp.Or(h.orderLSN, h.event.LSN) }
