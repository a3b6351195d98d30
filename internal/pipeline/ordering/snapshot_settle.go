package ordering

import "metadb/internal/change"

// The mark of a snapshot's last record shows that the connector has sent all rows, not that its
// producer has written them: it writes each partition from a separate queue, and may write the
// mark before earlier rows of other partitions. The stream does not contain the number of rows.
// So end offsets are requested when no snapshot row has been read for a while in any partition
// and every partition has a leader, and again after further rows. A producer that pauses for
// longer, although it has rows and the brokers answer, can't be recognized.

// restartSettling restarts the wait, after a snapshot row or when a lane's ends are not
// available.
func (g *Gate) restartSettling() {
	g.ready.lastSnapshotRow = g.ready.now
	if g.ready.settleTime == 0 {
		return
	}
	for _, q := range g.queues.waiting {
		if g.ready.mustSettle(&q.pending[0]) {
			q.ends = nil
		}
	}
}

// mustSettle reports whether an event counts only after a wait without snapshot rows. If a
// single partition is read, all rows precede the mark.
func (r *readiness) mustSettle(h *queuedEvent) bool {
	marked := h.event.Snapshot == change.LastInSnapshot || h.event.Snapshot == change.LastInTable
	return marked && len(r.rules.queues.byPartition) > 1 && r.rules.isExpectedEnd(&h.event)
}
