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

// maxDeletes is the number of deletes of changes of key that a topic keeps at least. Their
// inserts follow, and may be repeated.
const maxDeletes = 5000

// addDelete stores the lsn of a released event, if it is or may be the delete of a change of
// key.
func (of *topicOrder) addDelete(e *change.Event) {
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
func (l *partitionQueue) hasReadDelete(head *queuedEvent) bool {
	if head.LSN == 0 || head.OldKey == nil || !l.needsOrder() || l.order.deletes[head.LSN] || l.order.olderDeletes[head.LSN] {
		return true
	}
	return slices.ContainsFunc(l.order.Queues, func(other *partitionQueue) bool {
		last := &other.stored
		return !head.isLaterThan(last.HighTime) && (last.HighLSN == head.LSN || last.HighCommit > 0 && head.comparePosition(last.HighCommit, last.TopLSN) == 0)
	})
}

// awaitsDelete reports whether the head of a queue waits for the delete that belongs to it.
// It does not if no other partition can still have the delete. Other heads do not wait for
// this one meanwhile: the delete may be behind them.
func (b *Gate) awaitsDelete(l *partitionQueue) bool {
	head := &l.pending[0]
	switch {
	case l.hasReadDelete(head) || !head.HasUnavailable() || l.order.deletesTimedOut:
		return false
	case l.order.appliedDeletesTimedOut && l.mayHaveAppliedDelete(head):
		return false
	case len(l.order.Queues) < l.order.partitions:
		return true
	}
	return slices.ContainsFunc(l.order.Queues, func(other *partitionQueue) bool { return other != l && !other.isPast(head) })
}

// isPast reports whether all events of the partition that precede an event at the source have
// been released: its records have the order of source.sequence. Without source.sequence the
// LSN at the start of the run decides. An event that is later than all of the partition's is not
// past: a source that was restored or moved continues with lower positions.
func (l *partitionQueue) isPast(head *queuedEvent) bool {
	if head.Commit > 0 && l.passedCommit > 0 {
		return !head.isLaterThan(l.passedTime) && head.comparePosition(l.passedCommit, l.passedLSN) < 0
	}
	return !head.isLaterThan(l.stored.HighTime) && l.stored.HighLSN >= head.LSN
}

// mayHaveAppliedDelete reports whether the delete that belongs to the head may have been applied
// before the run, from a partition with a stored position at the head's or beyond it. The table
// shows whether it was. A higher LSN alone does not suffice: another transaction that was open at
// the same time may have committed before, with an LSN that follows the head's.
func (l *partitionQueue) mayHaveAppliedDelete(head *queuedEvent) bool {
	return slices.ContainsFunc(l.order.Queues, func(other *partitionQueue) bool {
		stored := &other.stored
		switch {
		case stored.HighLSN < head.LSN || head.isLaterThan(stored.HighTime):
			return false
		case head.Commit > 0 && stored.HighCommit > 0:
			return head.comparePosition(stored.HighCommit, stored.TopLSN) <= 0
		}
		return true
	})
}

// isLaterThan reports whether the source time of an event is later than a time. It is false for an
// event with the time of its record, which the other half of a change of key does not share.
func (h *queuedEvent) isLaterThan(at change.Micros) bool { return h.ClaimedTime == 0 && h.Time > at }

// comparePosition compares the source.sequence of an event with another one.
func (h *queuedEvent) comparePosition(commit, lsn uint64) int {
	return cmp.Or(cmp.Compare(h.Commit, commit), cmp.Compare(h.LSN, lsn))
}

// ReleaseUnpaired releases inserts with deletes that did not arrive in time. It returns the
// released events, and the partitions of the inserts.
func (b *Gate) ReleaseUnpaired() (released []change.Partition, through []change.Event) {
	for _, l := range b.waitingQueues {
		if l.ends == nil || !b.awaitsDelete(l) {
			continue
		}
		l.deleteWaits++
		switch {
		case l.deleteWaits >= maxDeleteWaits:
			l.order.deletesTimedOut, l.deleteWaits = true, 0
		case l.deleteWaits >= maxAppliedDeleteWaits && l.mayHaveAppliedDelete(&l.pending[0]):
			l.order.appliedDeletesTimedOut, l.deleteWaits = true, 0
		default:
			continue
		}
		released = append(released, l.Partition)
	}
	if released == nil {
		return nil, nil
	}
	return released, b.releaseReady(nil)
}
