package ordering

import (
	"slices"

	"metadb/internal/change"
)

// Gate orders the events of different partitions, which Kafka does not. It releases the
// changes of a topic with several partitions in the order of their source.lsn. Four kinds
// of events have a wider scope than their own partition, and wait for other partitions even
// if theirs is the only one that is read:
//
//   - a truncate, which ends the rows of all partitions of its topic,
//   - a change of key with unavailable values, which are those of a version that may end in
//     another partition,
//   - a snapshot row that is the first event of a partition which appears while its topic has
//     positions: rows move there from other partitions,
//   - the end of a snapshot, the mark "last" or a notification; its scope is all topics of
//     the source.
//
// An event waits until each of the other partitions has been read up to the end that it had
// after the event was read, or up to an event that follows it, which then waits too. Waiting
// events are in memory only: the stored position stays before them, and after a crash they
// are read again. Snapshot rows have no order and do not wait: changes made while a snapshot
// reads come after its rows, in other partitions as in their own.
//
// Rows are correct without the gate: a producer may write an earlier event to another
// partition long after the end there was read. Late events are inserted into history (package
// history); the gate keeps that rare. Only the insert of a change of key waits for a certain
// record, the delete of the old key (key_change.go).
//
// The states of a partition's queue:
//
//	           delivered, first in its topic's order
//	           or with a wider scope
//	 empty ─────────────────────────────────▶ queued ─── older than WriteSkew ──▶ needs ends
//	    ▲                                      ▲ │                                 │ ends become
//	    │ no event left                        │ │ too many bytes queued           ▼ known
//	    │                                      │ ▼                               waiting ──▶ awaits delete
//	released ◀── others at their ends,         │ full: not read until              │     (key_change.go)
//	    │        or at later changes ──────────┼── half of it is released          │            │ the delete was
//	    │                                      │                                   │            │ read, or 180
//	    └─ next head of the queue ─────────────┘ ◀─── can be released ─────────────┴────────────┘ intervals
//
//	a partition that others wait for:
//	read ── idle for long (stalled_partition.go) ──▶ stalled or unassigned ── delivers ──▶ read
//
// It is pure: needsEnds reports that end offsets are needed, setEndOffsets sets them. Events
// also wait for partitions that are not read yet, and for those of other members of the
// consumer group until these are known: see stalled_partition.go. In a topic with one
// partition, an event without a wider scope costs one map lookup for each run of events.
// partition_queue.go has the queue of a partition, end_offsets.go the need for end offsets,
// order_gate_release.go the order of release.
type Gate struct {
	// isExpectedEnd reports whether a snapshot is expected that an event may end. When it
	// returns false for a waiting event, the event is released like any other.
	isExpectedEnd func(e *change.Event) bool
	queues        map[change.Partition]*partitionQueue
	topics        map[string]*topicOrder
	// waitingQueues are the queues with events.
	waitingQueues []*partitionQueue
	// unassigned are partitions that are not read here and that no event waits for until
	// they are assigned.
	unassigned map[change.Partition]bool
	// ticks is the time that has passed, in units of polls: see stalled_partition.go.
	ticks int
	// Now is the current time. WriteSkew is how long after an event the earlier events of
	// other partitions may be written: see end_offsets.go.
	Now, WriteSkew change.Micros
	// SettleTime is how long no snapshot row may be read before the mark of the last one
	// counts, lastSnapshotRow when the latest one was read: see snapshot_settle.go.
	SettleTime, lastSnapshotRow change.Micros
}

func New(awaited func(e *change.Event) bool) *Gate {
	return &Gate{isExpectedEnd: awaited, queues: make(map[change.Partition]*partitionQueue), topics: make(map[string]*topicOrder), unassigned: make(map[change.Partition]bool)}
}

// AssignPartitions adds partitions that are read from now on. Events of them that were
// queued before are dropped, since they will be delivered again.
func (b *Gate) AssignPartitions(begun []change.Assignment) {
	for _, beginning := range begun {
		b.RevokePartition(beginning.Partition)
	}
	settled := make(map[*topicOrder]bool)
	for _, beginning := range begun {
		of := b.EnsureTopic(beginning.Partition.Topic)
		settled[of] = settled[of] || !isUntouched(beginning) || slices.ContainsFunc(of.Queues, (*partitionQueue).hasPosition)
	}
	for _, beginning := range begun {
		l := &partitionQueue{
			Partition: beginning.Partition, order: b.EnsureTopic(beginning.Partition.Topic), fresh: isUntouched(beginning),
			from: beginning.From, next: beginning.From,
		}
		if beginning.TopicID == beginning.Stored.TopicID {
			l.stored = beginning.Stored
			l.stored.Recent, l.stored.Transactions = nil, nil
			l.maxLSN = l.stored.HighLSN
			l.passedCommit, l.passedLSN, l.passedTime = l.stored.HighCommit, l.stored.TopLSN, l.stored.HighTime
		}
		l.isNewPartition = l.fresh && settled[l.order]
		b.queues[l.Partition] = l
		delete(b.unassigned, l.Partition)
		l.order.Queues = append(l.order.Queues, l)
		l.order.partitions = max(l.order.partitions, beginning.Partitions, len(l.order.Queues))
	}
}

// isUntouched reports whether no event of a partition has been applied yet: its first
// position may have been stored while its first event was waiting.
func isUntouched(b change.Assignment) bool {
	return b.Fresh || b.Stored.Next == 0 && b.Stored.MaxNext == 0
}

func (b *Gate) EnsureTopic(name string) *topicOrder {
	if b.topics[name] == nil {
		b.topics[name] = &topicOrder{}
	}
	return b.topics[name]
}

// RevokePartition drops a partition with its queue. Events in other queues of its topic need
// new end offsets, since they may wait for the partition.
func (b *Gate) RevokePartition(part change.Partition) {
	l, ok := b.queues[part]
	if !ok {
		return
	}
	ended := func(other *partitionQueue) bool { return other == l }
	b.waitingQueues = slices.DeleteFunc(b.waitingQueues, ended)
	l.order.Queues = slices.DeleteFunc(l.order.Queues, ended)
	delete(b.queues, part)
	for _, other := range l.order.Queues {
		other.ends = nil
	}
}

// AddEvents adds delivered events and returns those that are released, together with earlier
// ones that are released by them. It reuses the slice's memory.
func (b *Gate) AddEvents(events []change.Event) []change.Event {
	through := events[:0]
	var l *partitionQueue
	for i := range events {
		e := &events[i]
		if l == nil || l.Partition != e.Position.Partition {
			l = b.queues[e.Position.Partition]
		}
		if l == nil {
			continue // revoked meanwhile
		}
		l.lastSeen, l.stalled = b.ticks, false
		if e.Snapshot != change.Streamed && e.Snapshot != change.Incremental {
			b.RestartSettling()
		}
		e.Partitions = l.order.partitions
		place := l.orderLSN(e)
		if len(l.pending) == 0 && !(place > 0 && l.needsOrder()) && !b.ordersOthers(l, e) {
			l.advancePast(e)
			through = append(through, *e)
		} else {
			b.enqueue(l, e, place)
		}
	}
	return b.releaseReady(through)
}

// queueLimit returns how many bytes each queue may hold at present.
func (b *Gate) queueLimit() int {
	return min(MaxQueueBytes, maxAllQueuesBytes/max(1, len(b.waitingQueues)))
}

// releaseHead releases the head of a queue.
func (b *Gate) releaseHead(l *partitionQueue, through []change.Event) []change.Event {
	head := &l.pending[0].Event
	head.Unpaired = !l.hasReadDelete(&l.pending[0])
	through = append(through, *head)
	l.advancePast(head)
	l.bytes -= head.Size()
	if l.full && l.bytes <= b.queueLimit()/2 {
		l.full, l.lastSeen = false, b.ticks // it was not read
	}
	if l.coveredEvents--; l.coveredEvents <= 0 {
		l.ends = nil
	}
	l.pending[0] = queuedEvent{}
	if l.pending = l.pending[1:]; len(l.pending) == 0 {
		l.pending = nil
		b.waitingQueues = slices.DeleteFunc(b.waitingQueues, func(other *partitionQueue) bool { return other == l })
	}
	return through
}

// FullPartitions returns the partitions with full queues. Reading more of them would only
// fill memory.
func (b *Gate) FullPartitions() []change.Partition {
	var full []change.Partition
	for _, l := range b.waitingQueues {
		if l.full {
			full = append(full, l.Partition)
		}
	}
	return full
}
