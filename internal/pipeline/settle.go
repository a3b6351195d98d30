package pipeline

import "metadb/internal/change"

// The mark of a snapshot's last record says that the connector has handed over all rows,
// not that its producer has written them: it writes each partition from a queue of its own, and
// the mark may be written before rows of other partitions that precede it. Nothing in the
// stream tells how many are left. What tells is that they come: the ends are asked for when
// no row of a snapshot has come for a while in any partition and every partition
// has a leader, and again when more rows have come. A producer that is silent for longer, though it
// has rows and the brokers answer, can't be told from one that has no more.

// unsettle notes that a row of a snapshot has come, or that a topic's ends could not be had.
func (b *barrier) unsettle() {
	b.snapshotAt = b.now
	if b.settle == 0 {
		return
	}
	for _, l := range b.queued {
		if b.settles(&l.queue[0]) {
			l.ends = nil
		}
	}
}

// settles reports whether an event counts only when no row of a snapshot comes any more.
// Rows of the only partition that is read come before it.
func (b *barrier) settles(h *held) bool {
	marked := h.Snapshot == change.LastInSnapshot || h.Snapshot == change.LastInTable
	return marked && len(b.lanes) > 1 && b.awaited(&h.Event)
}

// ripeAt returns the time from which on the ends may be read for an event that waits.
func (b *barrier) ripeAt(h *held) change.Micros {
	if b.settle > 0 && b.settles(h) {
		return max(h.ripe, b.snapshotAt+b.settle)
	}
	return h.ripe
}
