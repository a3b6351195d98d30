package pipeline

import (
	"slices"

	"metadb/internal/change"
)

// barrier makes the order between partitions that Kafka does not give. The changes
// of a topic with several partitions pass in the order of their source.lsn. Four
// kinds of events speak of more than their own partition, and ask for others even
// where theirs is the only one that is read:
//
//   - a truncate, which ends the rows of all partitions of its topic,
//   - a change of key with unavailable values, which are those of a version
//     whose end may lie in another partition,
//   - a row of a snapshot where it is the first event of a partition that appears while
//     its topic has positions: rows move there from other partitions,
//   - what says that a snapshot is complete, the mark "last" or a notification,
//     which speaks of all topics.
//
// An event that waits does so until each of the others has come to the end that it
// had after the event was read, or to an event that follows it, which then waits
// too. What waits is not stored: a crash reads it again, since the position stays
// before it. Rows of snapshots are in no order, and wait for nothing: what was changed
// while they were read comes after them, in other partitions as in their own.
//
// The barrier is not what makes rows right: a producer may write what precedes an event
// to another partition long after it has come to the end there. What comes late takes its place
// in history (package history: truncation.go, overtaken.go, place.go); the barrier keeps that rare. The
// insert of a change of key alone waits for a record, the delete of the old key (pair.go).
//
// The states of a partition, which is a lane:
//
//	            delivered, first in its topic's order
//	            or speaking of others
//	 flowing ───────────────────────────────▶ held ──── older than skew ───▶ asking
//	    ▲                                      ▲ │                             │ ends become
//	    │ queue empty                          │ │ too much held back          ▼ known
//	    │                                      │ ▼                           waiting ──▶ awaiting delete
//	released ◀── others at their ends,         │ full: not read until          │            │  (pair.go)
//	    │        or at later changes ──────────┼── half of it has gone         │            │ the delete has
//	    │                                      │                               │            │ passed, or 180
//	    └─ next head of the queue ─────────────┘ ◀─── cleared ─────────────────┴────────────┘ intervals
//
//	a partition that others wait for: read ── silent for long (stall.go) ──▶ mute or foreign ── delivers ──▶ read
//
// It is pure: the ends are asked for by asks and told by told. Partitions that are not
// read yet are waited for as well, and those that somebody else reads until that is
// clear: see stall.go. In a topic with one partition, events that speak for themselves
// cost one map lookup a run of them. What one partition holds back is in lane.go, what has to
// be asked for in ends.go, which event may go in order.go.
type barrier struct {
	// awaited reports whether somebody awaits what an event says of the end of
	// a snapshot. Where it does not any more, the event goes by itself.
	awaited func(e *change.Event) bool
	lanes   map[change.Partition]*lane
	topics  map[string]*topic
	// queued are the lanes with a queue.
	queued []*lane
	// foreign are partitions that are not read here, and are not waited for any
	// more until they are.
	foreign map[change.Partition]bool
	// ticks is the time that has passed: see stall.go.
	ticks int
	// now is the time of day, skew how long after an event those of other partitions
	// that precede it may be written: see ends.go.
	now, skew change.Micros
	// settle is how long no row of a snapshot may have come before a mark of its last
	// one counts, snapshotAt when the last one came: see settle.go.
	settle, snapshotAt change.Micros
}

func newBarrier(awaited func(e *change.Event) bool) *barrier {
	return &barrier{awaited: awaited, lanes: make(map[change.Partition]*lane), topics: make(map[string]*topic), foreign: make(map[change.Partition]bool)}
}

// begin takes up partitions that are read from now on. Whatever was held back
// of them will be delivered again.
func (b *barrier) begin(begun []change.Beginning) {
	for _, beginning := range begun {
		b.end(beginning.Partition)
	}
	settled := make(map[*topic]bool)
	for _, beginning := range begun {
		of := b.topic(beginning.Partition.Topic)
		settled[of] = settled[of] || !untouched(beginning) || slices.ContainsFunc(of.lanes, (*lane).settled)
	}
	for _, beginning := range begun {
		l := &lane{
			Partition: beginning.Partition, of: b.topic(beginning.Partition.Topic), fresh: untouched(beginning),
			from: beginning.From, next: beginning.From,
		}
		if beginning.TopicID == beginning.Stored.TopicID {
			l.high = beginning.Stored.HighLSN
			l.stored = l.high
			l.passedCommit, l.passedLSN, l.passedTime = beginning.Stored.HighCommit, beginning.Stored.TopLSN, beginning.Stored.HighTime
		}
		l.newcomer = l.fresh && settled[l.of]
		b.lanes[l.Partition] = l
		delete(b.foreign, l.Partition)
		l.of.lanes = append(l.of.lanes, l)
		l.of.partitions = max(l.of.partitions, beginning.Partitions, len(l.of.lanes))
	}
}

// untouched reports whether nothing has been read of a partition yet: its first position
// may have been stored while its first event was waiting.
func untouched(b change.Beginning) bool {
	return b.Fresh || b.Stored.Next == 0 && b.Stored.Reached == 0
}

func (b *barrier) topic(name string) *topic {
	if b.topics[name] == nil {
		b.topics[name] = &topic{}
	}
	return b.topics[name]
}

// end drops a partition and what was held back of it. What waits in others of its topic
// has not heard yet that it is not read any more.
func (b *barrier) end(part change.Partition) {
	l, ok := b.lanes[part]
	if !ok {
		return
	}
	ended := func(other *lane) bool { return other == l }
	b.queued = slices.DeleteFunc(b.queued, ended)
	l.of.lanes = slices.DeleteFunc(l.of.lanes, ended)
	delete(b.lanes, part)
	for _, other := range l.of.lanes {
		other.ends = nil
	}
}

// pass takes delivered events and returns those that may be collected now, with
// earlier ones that need not wait any longer. It uses the slice's memory.
func (b *barrier) pass(events []change.Event) []change.Event {
	through := events[:0]
	var l *lane
	for i := range events {
		e := &events[i]
		if l == nil || l.Partition != e.Position.Partition {
			l = b.lanes[e.Position.Partition]
		}
		if l == nil {
			continue // not ours any more
		}
		l.heard, l.mute = b.ticks, false
		if e.Snapshot != change.Streamed && e.Snapshot != change.Incremental {
			b.unsettle()
		}
		e.Partitions = l.of.partitions
		place := l.place(e)
		if len(l.queue) == 0 && !(place > 0 && l.ordered()) && !b.speaks(l, e) {
			l.advance(e)
			through = append(through, *e)
		} else {
			b.hold(l, e, place)
		}
	}
	return b.drain(through)
}

// limit is how much of each partition may be held back now.
func (b *barrier) limit() int { return min(laneBytes, heldBytes/max(1, len(b.queued))) }

// release lets the head of a lane's queue go.
func (b *barrier) release(l *lane, through []change.Event) []change.Event {
	head := &l.queue[0].Event
	head.Unpaired = !l.paired(&l.queue[0])
	through = append(through, *head)
	l.advance(head)
	l.bytes -= size(head)
	if l.full && l.bytes <= b.limit()/2 {
		l.full, l.heard = false, b.ticks // it was not read
	}
	if l.covered--; l.covered <= 0 {
		l.ends = nil
	}
	l.queue[0] = held{}
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil
		b.queued = slices.DeleteFunc(b.queued, func(other *lane) bool { return other == l })
	}
	return through
}

// full returns the partitions of which so much is held back that reading more of
// them would only fill memory.
func (b *barrier) full() []change.Partition {
	var full []change.Partition
	for _, l := range b.queued {
		if l.full {
			full = append(full, l.Partition)
		}
	}
	return full
}
