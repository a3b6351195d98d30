package ordering

import (
	"cmp"
	"slices"

	"metadb/internal/change"
)

// A change of key arrives as the delete of the old key and the insert of the new one, with
// one lsn. Unavailable values of the insert are those under the old key. These are final when
// the delete has been read, the last record of the old key before the insert; its partition
// may be written seconds later. So the insert waits for it.

// newKeyHeader is a header of the delete of a change of key.
const newKeyHeader = "__debezium.newkey"

// maxDeleteWaits is the number of intervals that such an insert waits. Then it is released
// with a mark: it is rejected unless the table has the values that it lacks.
const maxDeleteWaits = 180

// maxAppliedDeleteWaits is the number of intervals that it waits if the delete may have been
// applied before the run: the table shows an applied delete, but not one that is still to come.
const maxAppliedDeleteWaits = 30

// maxDeletes is the number of deletes of changes of key that a lane keeps at least. Their
// inserts follow, and may be repeated.
const maxDeletes = 5000

// addDelete stores the lsn of a released event, if it is or may be the delete of a change of
// key.
func (of *laneOrder) addDelete(e *change.Event) {
	if of.partitions <= 1 || e.LSN == 0 || e.Op != change.Reject && !(e.Op == change.Delete && hasHeader(e, newKeyHeader)) {
		return
	}
	if of.deletes == nil || len(of.deletes) >= maxDeletes {
		of.olderDeletes, of.deletes = of.deletes, make(map[uint64]bool)
	}
	of.deletes[e.LSN], of.deletesTimedOut = true, false
}

func hasHeader(e *change.Event, name string) bool {
	return slices.ContainsFunc(e.Record.Headers, func(h change.Header) bool { return h.Name == name })
}

// hasReadDelete reports whether the delete that belongs to the head of a queue has been released
// in this run, or was the last change of a partition before it.
func (q *partitionQueue) hasReadDelete(head *queuedEvent) bool {
	if head.event.LSN == 0 || head.event.OldKey == nil || !q.needsOrder() || q.lane.deletes[head.event.LSN] || q.lane.olderDeletes[head.event.LSN] {
		return true
	}
	return slices.ContainsFunc(q.lane.queues, func(other *partitionQueue) bool {
		last := &other.stored
		return !head.isLaterThan(last.HighTime) && (last.HighLSN == head.event.LSN || last.HighCommit > 0 && head.comparePosition(last.HighCommit, last.TopLSN) == 0)
	})
}

// awaitsDelete reports whether the head of the queue waits for the delete that belongs to it.
// It does not if no other partition can still have the delete. Other heads do not wait for
// this one meanwhile: the delete may be behind them.
func (q *partitionQueue) awaitsDelete() bool {
	head := &q.pending[0]
	switch {
	case q.hasReadDelete(head) || !head.event.HasUnavailable() || q.lane.deletesTimedOut:
		return false
	case q.lane.appliedDeletesTimedOut && q.mayHaveAppliedDelete(head):
		return false
	case len(q.lane.queues) < q.lane.partitions:
		return true
	}
	return slices.ContainsFunc(q.lane.queues, func(other *partitionQueue) bool { return other != q && !other.isPast(head) })
}

// isPast reports whether all events of the partition that precede an event at the source have
// been released: its records have the order of source.sequence. Without source.sequence the
// LSN at the start of the run decides. An event that is later than all of the partition's is not
// past: a source that was restored or moved continues with lower positions.
func (q *partitionQueue) isPast(head *queuedEvent) bool {
	if head.event.Commit > 0 && q.passedCommit > 0 {
		return !head.isLaterThan(q.passedTime) && head.comparePosition(q.passedCommit, q.passedLSN) < 0
	}
	return !head.isLaterThan(q.stored.HighTime) && q.stored.HighLSN >= head.event.LSN
}

// mayHaveAppliedDelete reports whether the delete that belongs to the head may have been applied
// before the run, from a partition with a stored position at the head's or beyond it. The table
// shows whether it was. A higher LSN alone does not suffice: another transaction that was open at
// the same time may have committed before, with an LSN that follows the head's.
func (q *partitionQueue) mayHaveAppliedDelete(head *queuedEvent) bool {
	return slices.ContainsFunc(q.lane.queues, func(other *partitionQueue) bool {
		stored := &other.stored
		switch {
		case stored.HighLSN < head.event.LSN || head.isLaterThan(stored.HighTime):
			return false
		case head.event.Commit > 0 && stored.HighCommit > 0:
			return head.comparePosition(stored.HighCommit, stored.TopLSN) <= 0
		}
		return true
	})
}

// isLaterThan reports whether the source time of an event is later than a time. It is false for an
// event with the time of its record, which the other half of a change of key does not share.
func (h *queuedEvent) isLaterThan(at change.Micros) bool {
	return h.event.ClaimedTime == 0 && h.event.Time > at
}

// comparePosition compares the source.sequence of an event with another one.
func (h *queuedEvent) comparePosition(commit, lsn uint64) int {
	return cmp.Or(cmp.Compare(h.event.Commit, commit), cmp.Compare(h.event.LSN, lsn))
}

// stopsWaitingForDelete counts an interval in which the head of the queue waits for its delete. It
// reports whether the head has waited for long enough.
func (q *partitionQueue) stopsWaitingForDelete() bool {
	if q.ends == nil || !q.awaitsDelete() {
		return false
	}
	q.deleteWaits++
	switch {
	case q.deleteWaits >= maxDeleteWaits:
		q.lane.deletesTimedOut, q.deleteWaits = true, 0
	case q.deleteWaits >= maxAppliedDeleteWaits && q.mayHaveAppliedDelete(&q.pending[0]):
		q.lane.appliedDeletesTimedOut, q.deleteWaits = true, 0
	default:
		return false
	}
	return true
}
