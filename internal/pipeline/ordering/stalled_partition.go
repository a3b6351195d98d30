package ordering

import (
	"maps"
	"slices"

	"metadb/internal/change"
)

// The end offset of a partition need not be behind a record: compaction and the end
// of a retention leave offsets without records. An event that waits for such an end
// would wait forever. So the order gate counts time, but only while records could
// have arrived: with each poll of all partitions that returned, and faster with empty
// polls, which take the source seconds. A partition that is idle for idleTicks and has
// a broker that answers has no more records. Only the end of a snapshot continues to
// wait for partitions of other members of the consumer group: endsync would end their
// rows.

// Polls summarizes the deliveries of the source since ticks last advanced.
type Polls int

// The kinds of polls, with the ticks by which they advance the time in each interval.
// A partition counts as idle after three empty polls, or after three minutes of polls
// with records of other partitions.
const (
	NoPoll    Polls = 0
	somePoll  Polls = 1
	emptyPoll Polls = 60
	idleTicks       = 3 * int(emptyPoll)
)

func (p *Polls) NoteDelivery(d change.Delivery) {
	switch {
	case len(d.Events) > 0:
		*p = somePoll
	case len(d.Assigned) == 0 && len(d.Revoked) == 0 && *p == NoPoll:
		*p = emptyPoll
	}
}

// AdvanceTicks advances the time while events wait.
func (b *Gate) AdvanceTicks(p Polls) {
	if len(b.waitingQueues) > 0 {
		b.ticks += int(p)
	}
}

// TouchTopic makes the partitions of a topic count as not idle.
func (b *Gate) TouchTopic(topic string) {
	for _, l := range b.EnsureTopic(topic).Queues {
		l.lastSeen = b.ticks
	}
}

// isIdle reports whether a partition with its last event at a given tick has been idle for
// idleTicks while the head of l waits for it.
func (b *Gate) isIdle(l *partitionQueue, heard int) bool {
	return b.ticks-max(l.endsTick, heard) >= idleTicks
}

// FindStalled returns the idle partitions that events wait for, with their ends, including
// partitions that are not assigned to the source.
func (b *Gate) FindStalled() map[change.Partition]int64 {
	if len(b.waitingQueues) == 0 {
		return nil
	}
	found := make(map[change.Partition]int64)
	for _, l := range b.waitingQueues {
		for _, part := range b.awaitedPartitions(l) {
			end, all := l.ends[part], b.headOrdersSource(l)
			other := b.queues[part]
			switch {
			case other == nil:
				if end > 0 && (all || !b.unassigned[part]) && b.isIdle(l, 0) {
					found[part] = end
				}
			case len(other.pending) == 0 && b.isIdle(l, other.lastSeen):
				if all && b.sourceWaitsForQueue(l, other) || !all && b.waitsForQueue(l, other) {
					found[part] = end
				}
			}
		}
	}
	return found
}

// awaitedPartitions returns the partitions that the head of a queue may wait for. Most heads
// wait for their own topic alone: all ends, possibly of thousands of topics, are visited only
// for a head with the scope of the source.
func (b *Gate) awaitedPartitions(l *partitionQueue) []change.Partition {
	if b.headOrdersSource(l) {
		return slices.Collect(maps.Keys(l.ends))
	}
	parts := slices.Clone(l.unassignedWithRecords)
	for _, other := range l.order.Queues {
		if _, known := l.ends[other.Partition]; known {
			parts = append(parts, other.Partition)
		}
	}
	return parts
}

// ReleaseStalled stops waiting for the given partitions until they deliver or are assigned, and
// returns the released events. The end of a snapshot continues to wait for those in elsewhere.
func (b *Gate) ReleaseStalled(without map[change.Partition]int64, elsewhere map[change.Partition]bool) []change.Event {
	for part := range without {
		if l := b.queues[part]; l != nil {
			l.stalled = true
		} else {
			b.unassigned[part] = true
		}
	}
	for _, l := range b.waitingQueues {
		if l.ends == nil || !b.headOrdersSource(l) {
			continue
		}
		l.ends = maps.Clone(l.ends)
		for part, end := range without {
			if l.ends[part] == end && !elsewhere[part] {
				delete(l.ends, part)
			}
		}
	}
	return b.releaseReady(nil)
}

// headOrdersSource reports whether the head of a queue is the end of an expected snapshot.
func (b *Gate) headOrdersSource(l *partitionQueue) bool {
	return len(l.pending) > 0 && b.ordersSource(&l.pending[0].Event)
}

// FindAssignedElsewhere returns the stalled partitions that still have records, are not
// assigned here, and delay the end of a snapshot: it must not count without them.
func (b *Gate) FindAssignedElsewhere(stalled, ends map[change.Partition]int64) map[change.Partition]bool {
	found := make(map[change.Partition]bool)
	for _, l := range b.waitingQueues {
		if !b.headOrdersSource(l) {
			continue
		}
		for part := range stalled {
			if b.queues[part] == nil && l.ends[part] > 0 && ends[part] > 0 {
				found[part] = true
			}
		}
	}
	return found
}
