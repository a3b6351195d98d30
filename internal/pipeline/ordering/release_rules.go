package ordering

import (
	"maps"
	"slices"

	"metadb/internal/change"
)

// releaseRules decide which heads of queues may be released.
type releaseRules struct {
	queues        *queueSet
	isExpectedEnd func(e *change.Event) bool
}

// nextReleasable returns the queue of a lane with a head that can be released, nil without one.
// Heads that need not wait come first: behind them may be a change that others wait for.
func (r releaseRules) nextReleasable(of *laneOrder) *partitionQueue {
	var wider []*partitionQueue // with the scope of their lane, and without an order
	for _, q := range of.queues {
		if len(q.pending) == 0 || r.ordersSource(&q.pending[0].event) {
			continue
		}
		head := &q.pending[0]
		switch ordersLane := q.ordersLane(&head.event); {
		case ordersLane && head.orderLSN == 0:
			wider = append(wider, q)
		case !ordersLane && !(head.orderLSN > 0 && q.needsOrder()):
			return q
		}
	}
	for _, q := range wider {
		if r.canRelease(q) {
			return q
		}
	}
	if q := r.firstInOrder(of); q != nil && r.canRelease(q) {
		return q
	}
	return nil
}

// firstInOrder returns the queue with the head that precedes those of all other queues of its
// lane, nil without one. In a lane with one partition only heads with a wider scope
// have an order.
func (r releaseRules) firstInOrder(of *laneOrder) *partitionQueue {
	var first *partitionQueue
	for _, q := range of.queues {
		if len(q.pending) == 0 || q.pending[0].orderLSN == 0 || q.awaitsDelete() {
			continue
		}
		if q.needsOrder() || q.ordersLane(&q.pending[0].event) {
			if first == nil || r.headFollows(first, q) {
				first = q
			}
		}
	}
	return first
}

// firstForSource returns the first of the queues with heads that have the scope of the source,
// which all others of them wait for; nil without one.
func (r releaseRules) firstForSource() *partitionQueue {
	var first *partitionQueue
	for _, q := range r.queues.waiting {
		if r.headOrdersSource(q) && (first == nil || compareHeads(q, first) < 0) {
			first = q
		}
	}
	return first
}

// ordersOthers reports whether the next event of a queue has a wider scope than its
// partition.
func (r releaseRules) ordersOthers(q *partitionQueue, e *change.Event) bool {
	return q.ordersLane(e) || r.ordersSource(e)
}

// ordersSource reports whether an event has the scope of the source: it may end an expected
// snapshot.
func (r releaseRules) ordersSource(e *change.Event) bool {
	return isSnapshotEnd(e) && r.isExpectedEnd(e)
}

// headOrdersSource reports whether the head of a queue is the end of an expected snapshot.
func (r releaseRules) headOrdersSource(q *partitionQueue) bool {
	return len(q.pending) > 0 && r.ordersSource(&q.pending[0].event)
}

// isSnapshotEnd reports whether an event is a signal of a snapshot's end.
func isSnapshotEnd(e *change.Event) bool {
	return e.Snapshot == change.LastInSnapshot || e.Snapshot == change.LastInTable || e.Notification != nil && e.Notification.Ends
}

// canRelease reports whether the head of a queue, a change that is ordered or has the scope of
// its lane, can be released.
func (r releaseRules) canRelease(q *partitionQueue) bool {
	if q.ends == nil || slices.ContainsFunc(q.unassignedWithRecords, r.queues.isMissing) || q.awaitsDelete() {
		return false
	}
	return !slices.ContainsFunc(q.lane.queues, func(other *partitionQueue) bool { return r.waitsForQueue(q, other) })
}

// canReleaseForSource reports whether the head of a queue, which has the scope of the source,
// can be released.
func (r releaseRules) canReleaseForSource(q *partitionQueue) bool {
	if q.ends == nil || q.ownLaneOnly {
		return false
	}
	for part, end := range q.ends {
		if end > 0 && r.queues.byPartition[part] == nil {
			return false
		}
	}
	for _, other := range r.queues.byPartition {
		if r.sourceWaitsForQueue(q, other) {
			return false
		}
	}
	return true
}

// waitsForQueue reports whether the head of q, which does not have the scope of the source,
// waits for another partition.
func (r releaseRules) waitsForQueue(q, other *partitionQueue) bool {
	switch {
	case other == q || other.stalled:
		return false
	case len(other.pending) == 0:
		return q.awaitsEndOf(other)
	case other.awaitsDelete():
		return false
	case q.pending[0].effectiveLSN() > 0:
		return !r.headFollows(other, q)
	case r.headOrdersSource(other):
		return false
	case other.pending[0].effectiveLSN() == 0:
		return compareHeads(other, q) < 0
	}
	return q.awaitsEndOf(other)
}

// headFollows reports whether the head of other may be released after that of q, which has
// an LSN. A head with the scope of the source delays later events, since events behind it
// in its partition may precede q's. It waits itself only for events that precede it.
func (r releaseRules) headFollows(other, q *partitionQueue) bool {
	mine, theirs := &q.pending[0], &other.pending[0]
	if r.ordersSource(&theirs.event) && theirs.effectiveLSN() == mine.effectiveLSN() {
		return true
	}
	if theirs.effectiveLSN() == 0 || theirs.effectiveLSN() != mine.effectiveLSN() {
		return theirs.effectiveLSN() == 0 || theirs.effectiveLSN() > mine.effectiveLSN()
	}
	// The delete of a change of key comes before the insert, which has its lsn.
	return !q.ordersLane(&mine.event) || other.ordersLane(&theirs.event) && q.partition.Number < other.partition.Number
}

// sourceWaitsForQueue reports whether the head of q, which has the scope of the source, waits
// for another partition.
func (r releaseRules) sourceWaitsForQueue(q, other *partitionQueue) bool {
	switch {
	case other == q || !q.awaitsEndOf(other):
		return false
	case len(other.pending) == 0:
		return true
	case r.ordersSource(&other.pending[0].event):
		return compareHeads(other, q) < 0
	}
	mine, theirs := q.pending[0].effectiveLSN(), other.pending[0].effectiveLSN()
	return mine == 0 || theirs > 0 && theirs <= mine
}

// awaitedPartitions returns the partitions that the head of q may wait for. Most heads
// wait for their own lane alone: all ends, possibly of thousands of lanes, are visited only
// for a head with the scope of the source.
func (r releaseRules) awaitedPartitions(q *partitionQueue) []change.Partition {
	if r.headOrdersSource(q) {
		return slices.Collect(maps.Keys(q.ends))
	}
	parts := slices.Clone(q.unassignedWithRecords)
	for _, other := range q.lane.queues {
		if _, known := q.ends[other.partition]; known {
			parts = append(parts, other.partition)
		}
	}
	return parts
}
