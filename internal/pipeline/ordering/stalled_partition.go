package ordering

import "metadb/internal/change"

// The end offset of a partition need not be behind a record: compaction and the end
// of a retention leave offsets without records. An event that waits for such an end
// would wait forever. So the gate counts time, but only while records could
// have arrived: with each poll of all partitions that returned, and faster with empty
// polls, which take the source seconds. A partition that is idle for idleTicks and has
// a broker that answers has no more records. Only the end of a snapshot continues to
// wait for partitions of other members of the consumer group: endsync would end their
// rows.

// idleClock counts the time in which records could have arrived.
type idleClock struct {
	// ticks is the time that has passed, polls summarizes the deliveries since it last
	// advanced.
	ticks int
	polls polls
}

// polls summarizes deliveries of the source.
type polls int

// The kinds of polls, with the ticks by which they advance the time in each interval.
// A partition counts as idle after three empty polls, or after three minutes of polls
// with records of other partitions.
const (
	noPoll    polls = 0
	somePoll  polls = 1
	emptyPoll polls = 60
	idleTicks       = 3 * int(emptyPoll)
)

// addPoll adds a delivery.
func (c *idleClock) addPoll(d change.Delivery) {
	switch {
	case len(d.Events) > 0:
		c.polls = somePoll
	case len(d.Assigned) == 0 && len(d.Revoked) == 0 && c.polls == noPoll:
		c.polls = emptyPoll
	}
}

// advance ends an interval. The time advances while events wait.
func (c *idleClock) advance(waiting bool) {
	if waiting {
		c.ticks += int(c.polls)
	}
	c.polls = noPoll
}

// isIdle reports whether a partition with its last event at a given tick has been idle for
// idleTicks while the head of q waits for it.
func (c *idleClock) isIdle(q *partitionQueue, lastSeen int) bool {
	return c.ticks-max(q.endsTick, lastSeen) >= idleTicks
}

// findStalled returns the idle partitions that events wait for, with their ends, including
// partitions that are not assigned to the source.
func (g *Gate) findStalled() map[change.Partition]int64 {
	if len(g.queues.waiting) == 0 {
		return nil
	}
	found := make(map[change.Partition]int64)
	for _, q := range g.queues.waiting {
		for _, part := range g.rules.awaitedPartitions(q) {
			end, all := q.ends[part], g.rules.headOrdersSource(q)
			other := g.queues.byPartition[part]
			switch {
			case other == nil:
				if end > 0 && (all || !g.queues.unassigned[part]) && g.idle.isIdle(q, 0) {
					found[part] = end
				}
			case len(other.pending) == 0 && g.idle.isIdle(q, other.lastSeen):
				if all && g.rules.sourceWaitsForQueue(q, other) || !all && g.rules.waitsForQueue(q, other) {
					found[part] = end
				}
			}
		}
	}
	return found
}

// findAssignedElsewhere returns the stalled partitions that still have records, are not
// assigned here, and delay the end of a snapshot: it must not count without them.
func (g *Gate) findAssignedElsewhere(stalled, ends map[change.Partition]int64) map[change.Partition]bool {
	found := make(map[change.Partition]bool)
	for _, q := range g.queues.waiting {
		if !g.rules.headOrdersSource(q) {
			continue
		}
		for part := range stalled {
			if g.queues.byPartition[part] == nil && q.ends[part] > 0 && ends[part] > 0 {
				found[part] = true
			}
		}
	}
	return found
}
