package pipeline

import (
	"cmp"
	"slices"
	"strings"

	"metadb/internal/change"
)

// barrier makes the order between partitions that Kafka does not give. Four
// kinds of events speak of more than their own partition, and wait:
//
//   - a truncate, which ends the rows of all partitions of its topic,
//   - a change of key with unavailable values, which are those of a version
//     whose end may lie in another partition,
//   - the first event of a partition that appears while its topic has
//     positions: rows move there from other partitions,
//   - what says that a snapshot is complete, the mark "last" or a notification,
//     which speaks of all topics.
//
// Such an event waits until each of the others has come to the end that it had
// when the event was read, or to its first event with a higher source.lsn,
// which then waits too. What waits is not stored: a crash reads it again, since
// the position stays before it.
//
// It is pure: the ends are asked for by asks and told by told. Who is alone asks
// too: there may be partitions that are not read yet, or by somebody else. Events
// that speak for themselves cost one map lookup a run of them.
type barrier struct {
	// awaited reports whether somebody awaits what an event says of the end of
	// a snapshot. Where it does not any more, the event goes by itself.
	awaited func(e *change.Event) bool
	lanes   map[change.Partition]*lane
	topics  map[string][]*lane
	// waiting counts the lanes with a queue.
	waiting int
	// ticks is the time that has passed: see stall.go.
	ticks int
}

// lane is one partition.
type lane struct {
	change.Partition
	// from is where reading began, next the offset behind the last event
	// that was let through.
	from, next int64
	fresh      bool
	// newcomer says that the next event is the first of a partition that
	// appeared while its topic had positions.
	newcomer bool
	// queue are events held back, in order.
	queue []change.Event
	// ends are the ends that the others have to come to before the head of
	// the queue may go, nil while they are not known; told is when they
	// became known, heard when the last event was delivered, in ticks. They
	// hold for the first events of the queue, those of that moment.
	ends        map[change.Partition]int64
	covered     int
	told, heard int
}

func newBarrier(awaited func(e *change.Event) bool) *barrier {
	return &barrier{awaited: awaited, lanes: make(map[change.Partition]*lane), topics: make(map[string][]*lane)}
}

// begin takes up partitions that are read from now on. Whatever was held back
// of them will be delivered again.
func (b *barrier) begin(begun []change.Beginning) {
	for _, beginning := range begun {
		b.end(beginning.Partition)
	}
	settled := make(map[string]bool)
	for _, beginning := range begun {
		topic := beginning.Partition.Topic
		settled[topic] = settled[topic] || !beginning.Fresh || slices.ContainsFunc(b.topics[topic], (*lane).settled)
	}
	for _, beginning := range begun {
		l := &lane{Partition: beginning.Partition, from: beginning.From, next: beginning.From, fresh: beginning.Fresh}
		l.newcomer = l.fresh && settled[l.Topic]
		b.lanes[l.Partition] = l
		b.topics[l.Topic] = append(b.topics[l.Topic], l)
	}
}

// settled reports whether the lane has a position.
func (l *lane) settled() bool { return !l.fresh || l.next > l.from }

// end drops a partition and what was held back of it.
func (b *barrier) end(part change.Partition) {
	l, ok := b.lanes[part]
	if !ok {
		return
	}
	if len(l.queue) > 0 {
		b.waiting--
	}
	delete(b.lanes, part)
	b.topics[part.Topic] = slices.DeleteFunc(b.topics[part.Topic], func(other *lane) bool { return other == l })
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
		l.heard = b.ticks
		switch {
		case len(l.queue) == 0 && b.free(l, e):
			l.advance(e)
			through = append(through, *e)
		default:
			b.hold(l, e)
		}
	}
	return b.drain(through)
}

// told says where the partitions end now, for events that asks was true for.
// It returns what may be collected.
func (b *barrier) told(ends map[change.Partition]int64) []change.Event {
	if ends == nil {
		ends = map[change.Partition]int64{} // nil means not told
	}
	for _, l := range b.lanes {
		if b.asking(l) {
			l.ends, l.covered, l.told = ends, len(l.queue), b.ticks
		}
	}
	return b.drain(nil)
}

// asks reports whether an event waits for the ends of the topics to be read.
func (b *barrier) asks() bool {
	if b.waiting == 0 {
		return false
	}
	for _, l := range b.lanes {
		if b.asking(l) {
			return true
		}
	}
	return false
}

func (b *barrier) asking(l *lane) bool {
	return len(l.queue) > 0 && l.ends == nil && b.speaks(l, &l.queue[0])
}

// held returns the partitions of which events are held back: reading more of
// them would only fill memory.
func (b *barrier) held() []change.Partition {
	if b.waiting == 0 {
		return nil
	}
	var held []change.Partition
	for _, l := range b.lanes {
		if len(l.queue) > 0 {
			held = append(held, l.Partition)
		}
	}
	return held
}

func (b *barrier) hold(l *lane, e *change.Event) {
	if len(l.queue) == 0 {
		b.waiting++
	}
	l.queue = append(l.queue, *e)
}

func (l *lane) advance(e *change.Event) {
	l.next = e.Position.Offset + 1
	l.newcomer = false
}

// drain appends to through what need not wait any longer: in the order of their
// source.lsn events that speak for themselves, where there are none one that
// speaks of others, and so on.
func (b *barrier) drain(through []change.Event) []change.Event {
	for b.waiting > 0 {
		lanes := b.order()
		free := slices.IndexFunc(lanes, func(l *lane) bool { return b.free(l, &l.queue[0]) })
		if free < 0 {
			cleared := slices.IndexFunc(lanes, b.cleared)
			if cleared < 0 {
				break
			}
			through = b.release(lanes[cleared], through)
			continue
		}
		l := lanes[free]
		through = b.release(l, through)
		for len(l.queue) > 0 && b.free(l, &l.queue[0]) && (free+1 == len(lanes) || compareHeads(l, lanes[free+1]) < 0) {
			through = b.release(l, through)
		}
	}
	return through
}

// release lets the head of a lane's queue go.
func (b *barrier) release(l *lane, through []change.Event) []change.Event {
	through = append(through, l.queue[0])
	l.advance(&l.queue[0])
	if l.covered--; l.covered <= 0 {
		l.ends = nil
	}
	l.queue[0] = change.Event{}
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil
		b.waiting--
	}
	return through
}

// order returns the lanes that have a queue, in the order of their heads.
func (b *barrier) order() []*lane {
	lanes := make([]*lane, 0, b.waiting)
	for _, l := range b.lanes {
		if len(l.queue) > 0 {
			lanes = append(lanes, l)
		}
	}
	slices.SortFunc(lanes, compareHeads)
	return lanes
}

// compareHeads orders two lanes by the source.lsn of what they hold back; ties
// only need some order.
func compareHeads(x, y *lane) int {
	return cmp.Or(
		cmp.Compare(x.queue[0].LSN, y.queue[0].LSN),
		strings.Compare(x.Topic, y.Topic),
		cmp.Compare(x.Number, y.Number),
	)
}

// speaks reports whether an event, the next one of its lane, speaks of other
// partitions that are read too.
func (b *barrier) speaks(l *lane, e *change.Event) bool {
	return b.speaksOfTopic(l, e) || b.speaksOfAll(e)
}

func (b *barrier) speaksOfAll(e *change.Event) bool {
	return endsSnapshot(e) && b.awaited(e)
}

// endsSnapshot reports whether an event says that a snapshot is complete.
func endsSnapshot(e *change.Event) bool {
	return e.Snapshot == change.LastInSnapshot || e.Snapshot == change.LastInTable || e.Done != change.NotDone
}

func (b *barrier) speaksOfTopic(l *lane, e *change.Event) bool {
	return l.newcomer && len(b.topics[l.Topic]) > 1 || e.Op == change.Truncate ||
		e.Op == change.Upsert && e.OldKey != nil && e.Row.HasUnavailable()
}

// free reports whether an event, the next one of its lane, speaks for itself
// only and comes before all that waits in its topic. Where the lsn of either is
// not known, it does not wait.
func (b *barrier) free(l *lane, e *change.Event) bool {
	if b.speaks(l, e) {
		return false
	}
	if b.waiting == 0 || e.LSN == 0 {
		return true
	}
	return !slices.ContainsFunc(b.topics[l.Topic], func(other *lane) bool {
		if other == l || len(other.queue) == 0 {
			return false
		}
		head := &other.queue[0]
		return head.LSN != 0 && head.LSN < e.LSN && b.speaksOfTopic(other, head)
	})
}

// cleared reports whether the head of a lane, which speaks of others, may go.
// It is asked when no other event can go by itself.
func (b *barrier) cleared(l *lane) bool {
	head := &l.queue[0]
	if l.ends == nil || !b.speaks(l, head) {
		return false
	}
	all := b.speaksOfAll(head)
	for part, end := range l.ends {
		// A partition that is not read yet has something to say if it has
		// any record.
		if b.lanes[part] == nil && end > 0 && (all || part.Topic == l.Topic) {
			return false
		}
	}
	if all {
		for _, other := range b.lanes {
			if !b.passed(l, other) {
				return false
			}
		}
		return true
	}
	return !slices.ContainsFunc(b.topics[l.Topic], func(other *lane) bool { return !b.passed(l, other) })
}

// passed reports whether other has come as far as the head of l asks.
func (b *barrier) passed(l, other *lane) bool {
	end, known := l.ends[other.Partition]
	switch {
	case other == l || !known || other.next >= end:
		return true
	case len(other.queue) == 0:
		return false
	case b.speaks(other, &other.queue[0]):
		return compareHeads(other, l) > 0
	}
	// It waits for another event that speaks of its topic.
	return l.queue[0].LSN == 0 || other.queue[0].LSN > l.queue[0].LSN
}
