package ordering

import (
	"maps"
	"slices"
	"time"

	"metadb/internal/change"
)

// A producer writes each partition separately: an earlier event may be written a moment after
// a later one of another partition. So end offsets are read only when an event is older than
// WriteSkew, as all events are while the stream is behind. That only makes late records rare: a
// producer that works off a backlog writes them seconds later, and they are inserted into
// history.
const WriteSkew = 250 * time.Millisecond

// NextReady returns the time until end offsets may be read for a waiting event, false if no
// event waits for that.
func (b *Gate) NextReady() (time.Duration, bool) {
	var first change.Micros
	for _, l := range b.waitingQueues {
		if ripe := b.readyTime(&l.pending[0]); ripe > b.Now && (first == 0 || ripe < first) {
			first = ripe
		}
	}
	return time.Duration(first-b.Now) * time.Microsecond, first != 0
}

// countReady returns the number of events at the head of a queue for which end offsets may be
// read.
func (b *Gate) countReady(l *partitionQueue) int {
	for i := range l.pending {
		if b.readyTime(&l.pending[i]) > b.Now {
			return i
		}
	}
	return len(l.pending)
}

// SetEndOffsets sets the present end offsets of all topics, or of the topics that
// topicsNeedingEnds returned. Events that need the ends of a missing topic continue to wait. It
// returns the released events.
func (b *Gate) SetEndOffsets(ends map[change.Partition]int64) []change.Event {
	known := make(map[string]bool)
	for part := range ends {
		known[part.Topic] = true
	}
	all := b.TopicsNeedingEnds() == nil && b.readsOnlyTopics(known)
	unread := b.findUnassigned(ends)
	for _, l := range b.waitingQueues {
		ripe := b.countReady(l)
		if ripe > 0 && known[l.Topic] && (l.ends == nil || b.headNeedsEnds(l)) && (all || !b.headOrdersSource(l)) {
			l.ends, l.coveredEvents, l.endsTick, l.ownTopicOnly = ends, ripe, b.ticks, !all
			l.unassignedWithRecords = unread[l.Topic]
		}
	}
	return b.releaseReady(nil)
}

// readsOnlyTopics reports whether all assigned partitions are of these topics.
func (b *Gate) readsOnlyTopics(topics map[string]bool) bool {
	for part := range b.queues {
		if !topics[part.Topic] {
			return false
		}
	}
	return true
}

// findUnassigned returns the partitions of each topic that have records and are not assigned: of
// all topics at once, since events may wait for thousands.
func (b *Gate) findUnassigned(ends map[change.Partition]int64) map[string][]change.Partition {
	unread := make(map[string][]change.Partition)
	for part, end := range ends {
		if end > 0 && b.queues[part] == nil && !b.unassigned[part] {
			unread[part.Topic] = append(unread[part.Topic], part)
		}
	}
	return unread
}

// NeedsEnds reports whether an event waits for end offsets to be read.
func (b *Gate) NeedsEnds() bool { return slices.ContainsFunc(b.waitingQueues, b.headNeedsEnds) }

// TopicsNeedingEnds returns the topics of the needed end offsets; nil means all topics.
func (b *Gate) TopicsNeedingEnds() []string {
	topics := make(map[string]bool)
	for _, l := range b.waitingQueues {
		if !b.headNeedsEnds(l) {
			continue
		}
		if b.ordersSource(&l.pending[0].Event) {
			return nil
		}
		topics[l.Topic] = true
	}
	return slices.Sorted(maps.Keys(topics))
}

// headNeedsEnds reports whether the head of a queue waits for end offsets to be read. It is
// false for an event that waits for an earlier one.
func (b *Gate) headNeedsEnds(l *partitionQueue) bool {
	head := &l.pending[0]
	switch {
	case b.readyTime(head) > b.Now:
		return false
	case b.ordersSource(&head.Event):
		return l.ends == nil || l.ownTopicOnly
	case l.ends != nil:
		return false
	}
	return b.ordersTopic(l, &head.Event) || head.orderLSN > 0 && l.needsOrder() && b.firstInOrder(l.order) == l
}
