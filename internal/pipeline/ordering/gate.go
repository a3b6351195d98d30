package ordering

import (
	"maps"
	"slices"
	"time"

	"metadb/internal/change"
)

// Gate orders the events of different partitions, which Kafka does not. It is pure: the caller
// gets end offsets from the source when NeededEnds says so, and tells the time. It is not safe
// for concurrent use.
type Gate struct {
	queues *queueSet
	rules  releaseRules
	ready  readiness
	idle   idleClock
}

// Config has the rules of a gate.
type Config struct {
	// IsExpectedEnd reports whether a snapshot is expected that an event may end. When it
	// returns false for a waiting event, the event is released like any other.
	IsExpectedEnd func(e *change.Event) bool
	// WriteSkew is how long after an event the earlier events of other partitions may be
	// written, usually DefaultWriteSkew.
	WriteSkew time.Duration
	// SettleTime is how long no snapshot row may be read before the mark of the last one
	// counts; 0 is no wait.
	SettleTime time.Duration
}

// New returns a gate without partitions.
func New(config Config) *Gate {
	queues := newQueueSet()
	rules := releaseRules{queues: queues, isExpectedEnd: config.IsExpectedEnd}
	return &Gate{
		queues: queues, rules: rules,
		ready: readiness{rules: rules, writeSkew: microsOf(config.WriteSkew), settleTime: microsOf(config.SettleTime)},
	}
}

func microsOf(d time.Duration) change.Micros { return change.Micros(d.Microseconds()) }

// Add adds a delivery: its partitions and its events. It returns the events that are released,
// together with earlier ones that are released by them. It reuses the memory of the
// delivery's events.
func (g *Gate) Add(delivery change.Delivery, now change.Micros) []change.Event {
	g.ready.now = now
	for _, part := range delivery.Revoked {
		g.queues.revoke(part)
	}
	g.queues.assign(delivery.Assigned)
	released := g.addEvents(delivery.Events)
	g.idle.addPoll(delivery)
	return released
}

// NextReady returns the time until end offsets may be needed for more events, false if no
// event waits for that.
func (g *Gate) NextReady() (time.Duration, bool) { return g.ready.untilNext(g.queues.waiting) }

// NeededEnds returns the lanes with end offsets that events wait for, nil for all lanes. It
// reports whether any are needed.
func (g *Gate) NeededEnds(now change.Micros) (lanes []change.Lane, needed bool) {
	g.ready.now = now
	if !g.needsEnds() {
		return nil, false
	}
	return g.lanesNeedingEnds(), true
}

// SetEnds sets the present end offsets of all lanes, or of the lanes that NeededEnds
// returned. Events that need the ends of a missing lane continue to wait; complete says that
// the source had the ends of all of them. It returns the released events.
func (g *Gate) SetEnds(ends map[change.Partition]int64, complete bool) []change.Event {
	if !complete {
		g.restartSettling()
	}
	known := make(map[change.Lane]bool)
	for part := range ends {
		known[part.Lane()] = true
	}
	all := g.lanesNeedingEnds() == nil && g.queues.hasOnlyLanes(known)
	unread := g.queues.findUnassigned(ends)
	for _, q := range g.queues.waiting {
		ready := g.ready.count(q)
		if ready > 0 && known[q.partition.Lane()] && (q.ends == nil || g.headNeedsEnds(q)) && (all || !g.rules.headOrdersSource(q)) {
			q.ends, q.coveredEvents, q.endsTick, q.ownLaneOnly = ends, ready, g.idle.ticks, !all
			q.unassignedWithRecords = unread[q.partition.Lane()]
		}
	}
	return g.releaseReady(nil)
}

// Paused returns the partitions not to be read at present: those with full queues, as more of
// them would only fill memory, and those of the given lanes.
func (g *Gate) Paused(lanes map[change.Lane]bool) []change.Partition {
	paused := g.queues.full()
	for lane := range lanes {
		for _, q := range g.queues.lane(lane).queues {
			if !slices.Contains(paused, q.partition) {
				paused = append(paused, q.partition)
			}
		}
	}
	return paused
}

// Stalled advances the time by an interval with the polls that were added in it, and returns
// the idle partitions that events wait for, with their ends. The partitions of paused lanes
// are idle because they are paused.
func (g *Gate) Stalled(paused map[change.Lane]bool) map[change.Partition]int64 {
	g.idle.advance(len(g.queues.waiting) > 0)
	for lane := range paused {
		g.queues.touchLane(lane, g.idle.ticks)
	}
	return g.findStalled()
}

// ReleaseStalled stops waiting for stalled partitions until they deliver or are assigned. The end
// of a snapshot continues to wait for those in elsewhere: partitions that still have records by
// the present ends, and that are not assigned here.
func (g *Gate) ReleaseStalled(stalled, ends map[change.Partition]int64) (released []change.Event, elsewhere map[change.Partition]bool) {
	elsewhere = g.findAssignedElsewhere(stalled, ends)
	for part := range stalled {
		g.queues.stopWaiting(part)
	}
	for _, q := range g.queues.waiting {
		if q.ends == nil || !g.rules.headOrdersSource(q) {
			continue
		}
		q.ends = maps.Clone(q.ends)
		for part, end := range stalled {
			if q.ends[part] == end && !elsewhere[part] {
				delete(q.ends, part)
			}
		}
	}
	return g.releaseReady(nil), elsewhere
}

// ReleaseUnpaired releases inserts with deletes that did not arrive in time. It is called once
// in each interval. It returns the released events, and the partitions of the inserts.
func (g *Gate) ReleaseUnpaired() (released []change.Event, parts []change.Partition) {
	for _, q := range g.queues.waiting {
		if q.stopsWaitingForDelete() {
			parts = append(parts, q.partition)
		}
	}
	if parts == nil {
		return nil, nil
	}
	return g.releaseReady(nil), parts
}

// addEvents adds delivered events, and returns the released ones.
func (g *Gate) addEvents(events []change.Event) []change.Event {
	through := events[:0]
	var q *partitionQueue
	for i := range events {
		e := &events[i]
		if q == nil || q.partition != e.Position.Partition {
			q = g.queues.byPartition[e.Position.Partition]
		}
		if q == nil {
			continue // revoked meanwhile
		}
		q.lastSeen, q.stalled = g.idle.ticks, false
		if e.Snapshot != change.Streamed && e.Snapshot != change.Incremental {
			g.restartSettling()
		}
		e.Partitions = q.lane.partitions
		order := q.orderLSN(e)
		if len(q.pending) == 0 && !(order > 0 && q.needsOrder()) && !g.rules.ordersOthers(q, e) {
			q.advancePast(e)
			if len(through) == i {
				through = events[:i+1] // no event is missing before it: it is in its place
			} else {
				through = append(through, *e)
			}
		} else {
			g.queues.enqueue(q, e, order, g.ready.writtenBefore(e))
		}
	}
	return g.releaseReady(through)
}

// releaseReady appends the events to through that need not wait any longer: those of each lane
// in its order, and, when no other event can be released, those with the scope of the source.
func (g *Gate) releaseReady(through []change.Event) []change.Event {
	for len(g.queues.waiting) > 0 {
		for _, q := range slices.Clone(g.queues.waiting) {
			for next := g.rules.nextReleasable(q.lane); next != nil; next = g.rules.nextReleasable(q.lane) {
				through = g.queues.dequeue(next, g.idle.ticks, through)
			}
		}
		first := g.rules.firstForSource()
		if first == nil || !g.rules.canReleaseForSource(first) {
			break
		}
		through = g.queues.dequeue(first, g.idle.ticks, through)
	}
	return through
}
