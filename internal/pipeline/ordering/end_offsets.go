package ordering

import (
	"maps"
	"slices"
	"time"

	"metadb/internal/change"
)

// DefaultWriteSkew is how long after an event the earlier events of other partitions may be
// written. A producer writes each partition separately: an earlier event may be written a moment
// after a later one of another partition. So end offsets are read only when an event is older
// than that, as all events are while the stream is behind. That only makes late records rare: a
// producer that works off a backlog writes them seconds later, and they are inserted into
// history.
const DefaultWriteSkew = 250 * time.Millisecond

// readiness decides when end offsets may be read for an event.
type readiness struct {
	rules releaseRules
	// now is the current time; writeSkew and settleTime are those of Config.
	now, writeSkew, settleTime change.Micros
	// lastSnapshotRow is when the latest row of a snapshot was read.
	lastSnapshotRow change.Micros
}

// writtenBefore returns the time by which all events before e have been written.
func (r *readiness) writtenBefore(e *change.Event) change.Micros {
	return min(r.now, e.Record.Time) + r.writeSkew
}

// untilNext returns the time until the next head of some queues is ready, false if all are.
func (r *readiness) untilNext(queues []*partitionQueue) (time.Duration, bool) {
	var first change.Micros
	for _, q := range queues {
		if at := r.readyTime(&q.pending[0]); at > r.now && (first == 0 || at < first) {
			first = at
		}
	}
	return time.Duration(first-r.now) * time.Microsecond, first != 0
}

// count returns the number of events at the head of a queue that are ready.
func (r *readiness) count(q *partitionQueue) int {
	for i := range q.pending {
		if !r.isReady(&q.pending[i]) {
			return i
		}
	}
	return len(q.pending)
}

func (r *readiness) isReady(h *queuedEvent) bool { return r.readyTime(h) <= r.now }

// readyTime returns the time from which on end offsets may be read for a waiting event.
func (r *readiness) readyTime(h *queuedEvent) change.Micros {
	if r.settleTime > 0 && r.mustSettle(h) {
		return max(h.readyAt, r.lastSnapshotRow+r.settleTime)
	}
	return h.readyAt
}

// needsEnds reports whether an event waits for end offsets to be read.
func (g *Gate) needsEnds() bool { return slices.ContainsFunc(g.queues.waiting, g.headNeedsEnds) }

// lanesNeedingEnds returns the lanes of the needed end offsets; nil means all lanes.
func (g *Gate) lanesNeedingEnds() []change.Lane {
	lanes := make(map[change.Lane]bool)
	for _, q := range g.queues.waiting {
		if !g.headNeedsEnds(q) {
			continue
		}
		if g.rules.headOrdersSource(q) {
			return nil
		}
		lanes[q.partition.Lane()] = true
	}
	return slices.Sorted(maps.Keys(lanes))
}

// headNeedsEnds reports whether the head of a queue waits for end offsets to be read. It is
// false for an event that waits for an earlier one.
func (g *Gate) headNeedsEnds(q *partitionQueue) bool {
	head := &q.pending[0]
	switch {
	case !g.ready.isReady(head):
		return false
	case g.rules.ordersSource(&head.event):
		return q.ends == nil || q.ownLaneOnly
	case q.ends != nil:
		return false
	}
	return q.ordersLane(&head.event) || head.orderLSN > 0 && q.needsOrder() && g.rules.firstInOrder(q.lane) == q
}
