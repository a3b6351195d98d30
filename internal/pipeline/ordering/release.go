package ordering

import (
	"cmp"
	"slices"
	"strings"

	"metadb/internal/change"
)

// releaseReady appends the events to through that need not wait any longer: those of each topic
// in its order, and, when no other event can be released, those with the scope of the source.
func (b *Gate) releaseReady(through []change.Event) []change.Event {
	for len(b.waitingQueues) > 0 {
		for _, l := range slices.Clone(b.waitingQueues) {
			for next := b.nextReleasable(l.order); next != nil; next = b.nextReleasable(l.order) {
				through = b.releaseHead(next, through)
			}
		}
		var first *partitionQueue // all other heads with the scope of the source wait for it
		for _, l := range b.waitingQueues {
			if b.headOrdersSource(l) && (first == nil || compareHeads(l, first) < 0) {
				first = l
			}
		}
		if first == nil || !b.canReleaseForSource(first) {
			break
		}
		through = b.releaseHead(first, through)
	}
	return through
}

// nextReleasable returns the queue of a topic with a head that can be released, nil without one.
// Heads that need not wait come first: behind them may be a change that others wait for.
func (b *Gate) nextReleasable(of *topicOrder) *partitionQueue {
	var speaking []*partitionQueue
	for _, l := range of.Queues {
		if len(l.pending) == 0 || b.ordersSource(&l.pending[0].Event) {
			continue
		}
		head := &l.pending[0]
		switch speaks := b.ordersTopic(l, &head.Event); {
		case speaks && head.orderLSN == 0:
			speaking = append(speaking, l)
		case !speaks && !(head.orderLSN > 0 && l.needsOrder()):
			return l
		}
	}
	for _, l := range speaking {
		if b.canRelease(l) {
			return l
		}
	}
	if l := b.firstInOrder(of); l != nil && b.canRelease(l) {
		return l
	}
	return nil
}

// firstInOrder returns the queue with the head that precedes those of all other queues of its
// topic, nil without one. In a topic with one partition only heads with a wider scope
// have an order.
func (b *Gate) firstInOrder(of *topicOrder) *partitionQueue {
	var first *partitionQueue
	for _, l := range of.Queues {
		if len(l.pending) == 0 || l.pending[0].orderLSN == 0 || b.awaitsDelete(l) {
			continue
		}
		if l.needsOrder() || b.ordersTopic(l, &l.pending[0].Event) {
			if first == nil || b.headFollows(first, l) {
				first = l
			}
		}
	}
	return first
}

// compareHeads orders two queues by the LSN of their heads; an unknown LSN is last. The order of
// equal heads only has to be the same each time.
func compareHeads(x, y *partitionQueue) int {
	return cmp.Or(
		cmp.Compare(x.pending[0].effectiveLSN()-1, y.pending[0].effectiveLSN()-1), // 0 becomes the highest
		strings.Compare(x.Topic, y.Topic),
		cmp.Compare(x.Number, y.Number),
	)
}

// ordersOthers reports whether the next event of a queue has a wider scope than its
// partition.
func (b *Gate) ordersOthers(l *partitionQueue, e *change.Event) bool {
	return b.ordersTopic(l, e) || b.ordersSource(e)
}

func (b *Gate) ordersSource(e *change.Event) bool {
	return isSnapshotEnd(e) && b.isExpectedEnd(e)
}

// isSnapshotEnd reports whether an event is a signal of a snapshot's end.
func isSnapshotEnd(e *change.Event) bool {
	return e.Snapshot == change.LastInSnapshot || e.Snapshot == change.LastInTable || e.Notification != nil && e.Notification.Ends
}

func (b *Gate) ordersTopic(l *partitionQueue, e *change.Event) bool {
	return l.isNewPartition && l.needsOrder() && e.Snapshot != change.Streamed || e.Op == change.Truncate ||
		e.OldKey != nil && e.HasUnavailable()
}

// canRelease reports whether the head of a queue, a change that is ordered or has the scope of
// its topic, can be released.
func (b *Gate) canRelease(l *partitionQueue) bool {
	missing := func(part change.Partition) bool { return b.queues[part] == nil && !b.unassigned[part] }
	if l.ends == nil || slices.ContainsFunc(l.unassignedWithRecords, missing) || b.awaitsDelete(l) {
		return false
	}
	return !slices.ContainsFunc(l.order.Queues, func(other *partitionQueue) bool { return b.waitsForQueue(l, other) })
}

// canReleaseForSource reports whether the head of a queue, which has the scope of the source,
// can be released.
func (b *Gate) canReleaseForSource(l *partitionQueue) bool {
	if l.ends == nil || l.ownTopicOnly {
		return false
	}
	for part, end := range l.ends {
		if end > 0 && b.queues[part] == nil {
			return false
		}
	}
	for _, other := range b.queues {
		if b.sourceWaitsForQueue(l, other) {
			return false
		}
	}
	return true
}

// waitsForQueue reports whether the head of l, which does not have the scope of the source,
// waits for another partition of its topic.
func (b *Gate) waitsForQueue(l, other *partitionQueue) bool {
	switch {
	case other == l || other.stalled:
		return false
	case len(other.pending) == 0:
		return l.awaitsEndOf(other)
	case b.awaitsDelete(other):
		return false
	case l.pending[0].effectiveLSN() > 0:
		return !b.headFollows(other, l)
	case b.headOrdersSource(other):
		return false
	case other.pending[0].effectiveLSN() == 0:
		return compareHeads(other, l) < 0
	}
	return l.awaitsEndOf(other)
}

// awaitsEndOf reports whether other has not been read up to the end that l has of it.
func (l *partitionQueue) awaitsEndOf(other *partitionQueue) bool {
	end, known := l.ends[other.Partition]
	return known && other.next < end
}

// headFollows reports whether the head of other may be released after that of l, which has
// an LSN. A head with the scope of the source delays later events, since events behind it
// in its partition may precede l's. It waits itself only for events that precede it.
func (b *Gate) headFollows(other, l *partitionQueue) bool {
	mine, theirs := &l.pending[0], &other.pending[0]
	speaks := b.ordersTopic(l, &mine.Event)
	if b.ordersSource(&theirs.Event) && theirs.effectiveLSN() == mine.effectiveLSN() {
		return true
	}
	if theirs.effectiveLSN() == 0 || theirs.effectiveLSN() != mine.effectiveLSN() {
		return theirs.effectiveLSN() == 0 || theirs.effectiveLSN() > mine.effectiveLSN()
	}
	// The delete of a change of key comes before the insert, which has its lsn.
	return !speaks || b.ordersTopic(other, &theirs.Event) && l.Number < other.Number
}

// effectiveLSN returns the LSN that orders an event in its topic, 0 if that is not known.
func (h *queuedEvent) effectiveLSN() uint64 { return cmp.Or(h.orderLSN, h.LSN) }

// sourceWaitsForQueue reports whether the head of l, which has the scope of the source, waits
// for another partition.
func (b *Gate) sourceWaitsForQueue(l, other *partitionQueue) bool {
	switch {
	case other == l || !l.awaitsEndOf(other):
		return false
	case len(other.pending) == 0:
		return true
	case b.ordersSource(&other.pending[0].Event):
		return compareHeads(other, l) < 0
	}
	mine, theirs := l.pending[0].effectiveLSN(), other.pending[0].effectiveLSN()
	return mine == 0 || theirs > 0 && theirs <= mine
}
