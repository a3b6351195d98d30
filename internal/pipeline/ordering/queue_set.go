package ordering

import (
	"slices"

	"metadb/internal/change"
)

// queueSet has the queues of the assigned partitions.
type queueSet struct {
	byPartition map[change.Partition]*partitionQueue
	lanes       map[change.Lane]*laneOrder
	// waiting are the queues with events.
	waiting []*partitionQueue
	// unassigned are partitions that are not read here and that no event waits for until
	// they are assigned.
	unassigned map[change.Partition]bool
}

// laneOrder has the queues of a lane's assigned partitions, and the number of all its
// partitions.
type laneOrder struct {
	queues     []*partitionQueue
	partitions int
	// deletes and olderDeletes have the lsn of changes of key with released deletes;
	// deletesTimedOut says that a wait for such a delete was given up.
	deletes, olderDeletes map[uint64]bool
	deletesTimedOut       bool
	// appliedDeletesTimedOut says so for a delete that may have been applied before the run.
	appliedDeletesTimedOut bool
}

// MaxQueueBytes is the size of a queue, in bytes, from which on its partition is paused:
// less than the client would have to fetch again. All queues together hold
// maxAllQueuesBytes and at most one delivery more.
const (
	MaxQueueBytes     = 1 << 20
	maxAllQueuesBytes = 16 << 20
)

func newQueueSet() *queueSet {
	return &queueSet{byPartition: make(map[change.Partition]*partitionQueue), lanes: make(map[change.Lane]*laneOrder), unassigned: make(map[change.Partition]bool)}
}

// lane returns the order of a lane.
func (s *queueSet) lane(name change.Lane) *laneOrder {
	if s.lanes[name] == nil {
		s.lanes[name] = &laneOrder{}
	}
	return s.lanes[name]
}

// assign adds partitions that are read from now on. Events of them that were queued before
// are dropped, since they will be delivered again.
func (s *queueSet) assign(assigned []change.Assignment) {
	for _, a := range assigned {
		s.revoke(a.Partition)
	}
	settled := make(map[*laneOrder]bool)
	for _, a := range assigned {
		of := s.lane(a.Partition.Lane())
		settled[of] = settled[of] || !isUntouched(a) || slices.ContainsFunc(of.queues, (*partitionQueue).hasPosition)
	}
	for _, a := range assigned {
		q := newPartitionQueue(a, s.lane(a.Partition.Lane()))
		q.isNewPartition = q.fresh && settled[q.lane]
		s.byPartition[q.partition] = q
		delete(s.unassigned, q.partition)
		q.lane.queues = append(q.lane.queues, q)
		q.lane.partitions = max(q.lane.partitions, a.Partitions, len(q.lane.queues))
	}
}

// revoke drops a partition with its queue. Events in other queues of its lane need new end
// offsets, since they may wait for the partition.
func (s *queueSet) revoke(part change.Partition) {
	q, ours := s.byPartition[part]
	if !ours {
		return
	}
	revoked := func(other *partitionQueue) bool { return other == q }
	s.waiting = slices.DeleteFunc(s.waiting, revoked)
	q.lane.queues = slices.DeleteFunc(q.lane.queues, revoked)
	delete(s.byPartition, part)
	for _, other := range q.lane.queues {
		other.ends = nil
	}
}

// enqueue adds a delivered event to its queue, with its order and the time when it is ready.
func (s *queueSet) enqueue(q *partitionQueue, e *change.Event, orderLSN uint64, readyAt change.Micros) {
	if len(q.pending) == 0 {
		s.waiting = append(s.waiting, q)
	}
	q.pending = append(q.pending, queuedEvent{*e, orderLSN, readyAt})
	q.bytes += e.Size()
	q.full = q.full || q.bytes > s.queueLimit()
}

// dequeue moves the head of a queue, which is released at a tick, to through.
func (s *queueSet) dequeue(q *partitionQueue, tick int, through []change.Event) []change.Event {
	e := &q.pending[0].event
	e.Unpaired = !q.hasReadDelete(&q.pending[0])
	through = append(through, *e)
	q.advancePast(e)
	q.bytes -= e.Size()
	if q.full && q.bytes <= s.queueLimit()/2 {
		q.full, q.lastSeen = false, tick // it was not read
	}
	if q.coveredEvents--; q.coveredEvents <= 0 {
		q.ends = nil
	}
	q.pending[0] = queuedEvent{}
	if q.pending = q.pending[1:]; len(q.pending) == 0 {
		q.pending = nil
		s.waiting = slices.DeleteFunc(s.waiting, func(other *partitionQueue) bool { return other == q })
	}
	return through
}

// queueLimit returns how many bytes each queue may hold at present.
func (s *queueSet) queueLimit() int {
	return min(MaxQueueBytes, maxAllQueuesBytes/max(1, len(s.waiting)))
}

// full returns the partitions with full queues.
func (s *queueSet) full() []change.Partition {
	var full []change.Partition
	for _, q := range s.waiting {
		if q.full {
			full = append(full, q.partition)
		}
	}
	return full
}

// touchLane makes the partitions of a lane count as not idle at a tick.
func (s *queueSet) touchLane(lane change.Lane, tick int) {
	for _, q := range s.lane(lane).queues {
		q.lastSeen = tick
	}
}

// stopWaiting makes events not wait for a partition until it delivers or is assigned.
func (s *queueSet) stopWaiting(part change.Partition) {
	if q := s.byPartition[part]; q != nil {
		q.stalled = true
	} else {
		s.unassigned[part] = true
	}
}

// isMissing reports whether events wait for a partition to be assigned.
func (s *queueSet) isMissing(part change.Partition) bool {
	return s.byPartition[part] == nil && !s.unassigned[part]
}

// hasOnlyLanes reports whether all assigned partitions are of these lanes.
func (s *queueSet) hasOnlyLanes(lanes map[change.Lane]bool) bool {
	for part := range s.byPartition {
		if !lanes[part.Lane()] {
			return false
		}
	}
	return true
}

// findUnassigned returns the partitions of each lane that have records and are missing: of
// all lanes at once, since events may wait for thousands.
func (s *queueSet) findUnassigned(ends map[change.Partition]int64) map[change.Lane][]change.Partition {
	unread := make(map[change.Lane][]change.Partition)
	for part, end := range ends {
		if end > 0 && s.isMissing(part) {
			unread[part.Lane()] = append(unread[part.Lane()], part)
		}
	}
	return unread
}
