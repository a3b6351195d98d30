package ordering

import "metadb/internal/change"

// The mark of a snapshot's last record shows that the connector has sent all rows, not that its
// producer has written them: it writes each partition from a separate queue, and may write the
// mark before earlier rows of other partitions. The stream does not contain the number of rows.
// So end offsets are requested when no snapshot row has been read for a while in any partition
// and every partition has a leader, and again after further rows. A producer that pauses for
// longer, although it has rows and the brokers answer, can't be recognized.

// RestartSettling restarts the wait, after a snapshot row or when a topic's ends are not
// available.
func (b *Gate) RestartSettling() {
	b.lastSnapshotRow = b.Now
	if b.SettleTime == 0 {
		return
	}
	for _, l := range b.waitingQueues {
		if b.mustSettle(&l.pending[0]) {
			l.ends = nil
		}
	}
}

// mustSettle reports whether an event counts only after a wait without snapshot rows. If a
// single partition is read, all rows precede the mark.
func (b *Gate) mustSettle(h *queuedEvent) bool {
	marked := h.Snapshot == change.LastInSnapshot || h.Snapshot == change.LastInTable
	return marked && len(b.queues) > 1 && b.isExpectedEnd(&h.Event)
}

// readyTime returns the time from which on end offsets may be read for a waiting event.
func (b *Gate) readyTime(h *queuedEvent) change.Micros {
	if b.SettleTime > 0 && b.mustSettle(h) {
		return max(h.readyAt, b.lastSnapshotRow+b.SettleTime)
	}
	return h.readyAt
}
