package pipeline

import (
	"maps"
	"slices"

	"metadb/internal/change"
)

// barrier makes the order between partitions that Kafka does not give. The changes
// of a topic with several partitions pass in the order of their source.lsn. Four
// kinds of events speak of more than their own partition, and wait for the others
// even where they are not read yet:
//
//   - a truncate, which ends the rows of all partitions of its topic,
//   - a change of key with unavailable values, which are those of a version
//     whose end may lie in another partition,
//   - the first event without lsn of a partition that appears while its topic has
//     positions: rows move there from other partitions,
//   - what says that a snapshot is complete, the mark "last" or a notification,
//     which speaks of all topics.
//
// An event that waits does so until each of the others has come to the end that it
// had after the event was read, or to an event that follows it, which then waits
// too. What waits is not stored: a crash reads it again, since the position stays
// before it. Rows of snapshots are in no order, and wait for nothing: what was changed
// while they were read comes after them, in other partitions as in their own.
//
// It is pure: the ends are asked for by asks and told by told. Partitions that are not
// read yet are waited for as well, and those that somebody else reads until that is
// clear: see stall.go. In a topic with one partition, events that speak for themselves cost one map
// lookup a run of them. What waits and which of it may go is in order.go.
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
}

// topic has the partitions of one topic that are read.
type topic struct{ lanes []*lane }

// lane is one partition.
type lane struct {
	change.Partition
	of *topic
	// from is where reading began, next the offset behind the last event
	// that was let through.
	from, next int64
	fresh      bool
	// newcomer says that the next event is the first of a partition that
	// appeared while its topic had positions.
	newcomer bool
	// high is the highest source.lsn of the changes that were delivered.
	high uint64
	// queue are events held back, in order, and bytes about what they take.
	queue []held
	bytes int
	// full says that no more of it is read until half of it has gone.
	full bool
	// ends are the ends that the others have to come to before the head of
	// the queue may go, nil while they are not known; told is when they
	// became known, heard when the last event was delivered, in ticks. They
	// hold for the first events of the queue, those of that moment.
	ends        map[change.Partition]int64
	covered     int
	told, heard int
	// unread are partitions of its topic that had records and were not read when the
	// ends became known.
	unread []change.Partition
	// partial says that the ends are those of its own topic alone.
	partial bool
	// mute says that nothing came from it for long, though it should have.
	mute bool
}

// held is an event that waits.
type held struct {
	change.Event
	// place is where a change stands among those of its topic: its
	// source.lsn, or the highest before it, since what a connector sends again
	// goes where it is. It is 0 for what has no place.
	place uint64
}

// laneBytes is how much of a partition is held back before it is not read any
// further: less than the client would have to fetch once more. All together hold
// heldBytes, and a delivery more.
const (
	laneBytes = 1 << 20
	heldBytes = 16 << 20
)

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
		settled[of] = settled[of] || !beginning.Fresh || slices.ContainsFunc(of.lanes, (*lane).settled)
	}
	for _, beginning := range begun {
		l := &lane{
			Partition: beginning.Partition, of: b.topic(beginning.Partition.Topic), fresh: beginning.Fresh,
			from: beginning.From, next: beginning.From,
		}
		if beginning.TopicID == beginning.Stored.TopicID {
			l.high = beginning.Stored.HighLSN
		}
		l.newcomer = l.fresh && settled[l.of]
		b.lanes[l.Partition] = l
		delete(b.foreign, l.Partition)
		l.of.lanes = append(l.of.lanes, l)
	}
}

func (b *barrier) topic(name string) *topic {
	if b.topics[name] == nil {
		b.topics[name] = &topic{}
	}
	return b.topics[name]
}

// settled reports whether the lane has a position.
func (l *lane) settled() bool { return !l.fresh || l.next > l.from }

// end drops a partition and what was held back of it.
func (b *barrier) end(part change.Partition) {
	l, ok := b.lanes[part]
	if !ok {
		return
	}
	ended := func(other *lane) bool { return other == l }
	b.queued = slices.DeleteFunc(b.queued, ended)
	l.of.lanes = slices.DeleteFunc(l.of.lanes, ended)
	delete(b.lanes, part)
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

// place returns the place of a delivered event, 0 if it has none.
func (l *lane) place(e *change.Event) uint64 {
	if e.Snapshot != change.Streamed || e.LSN == 0 || e.Op == change.Ignore {
		return 0
	}
	l.high = max(l.high, e.LSN)
	return l.high
}

// ordered reports whether changes have to keep their place among those of other
// partitions.
func (l *lane) ordered() bool { return len(l.of.lanes) > 1 }

func (b *barrier) hold(l *lane, e *change.Event, place uint64) {
	if len(l.queue) == 0 {
		b.queued = append(b.queued, l)
	}
	l.queue = append(l.queue, held{*e, place})
	l.bytes += size(e)
	l.full = l.full || l.bytes > b.limit()
}

// limit is how much of each partition may be held back now.
func (b *barrier) limit() int { return min(laneBytes, heldBytes/max(1, len(b.queued))) }

func (l *lane) advance(e *change.Event) {
	l.next = e.Position.Offset + 1
	l.newcomer = false
}

// release lets the head of a lane's queue go.
func (b *barrier) release(l *lane, through []change.Event) []change.Event {
	head := &l.queue[0].Event
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

// told says where the partitions of all topics end now, or those of the topics that
// about names. It returns what may be collected.
func (b *barrier) told(ends map[change.Partition]int64) []change.Event {
	if ends == nil {
		ends = map[change.Partition]int64{} // nil means not told
	}
	topics := b.about()
	asked := make(map[string]bool, len(topics))
	for _, name := range topics {
		asked[name] = true
	}
	for _, l := range b.queued {
		if l.ends == nil && (topics == nil || asked[l.Topic]) || b.asking(l) {
			l.ends, l.covered, l.told, l.partial = ends, len(l.queue), b.ticks, topics != nil
			l.unread = b.unread(l.Topic, ends)
		}
	}
	return b.drain(nil)
}

// unread returns the partitions of a topic that have records and are not read.
func (b *barrier) unread(topic string, ends map[change.Partition]int64) []change.Partition {
	var unread []change.Partition
	for part, end := range ends {
		if part.Topic == topic && end > 0 && b.lanes[part] == nil && !b.foreign[part] {
			unread = append(unread, part)
		}
	}
	return unread
}

// asks reports whether an event waits for the ends of the topics to be read.
func (b *barrier) asks() bool { return slices.ContainsFunc(b.queued, b.asking) }

// about returns the topics whose ends are waited for; nil means those of all.
func (b *barrier) about() []string {
	topics := make(map[string]bool)
	for _, l := range b.queued {
		if !b.asking(l) {
			continue
		}
		if b.speaksOfAll(&l.queue[0].Event) {
			return nil
		}
		topics[l.Topic] = true
	}
	return slices.Sorted(maps.Keys(topics))
}

// asking reports whether the head of a lane waits for the ends to be read. What
// waits for an event before it does not.
func (b *barrier) asking(l *lane) bool {
	head := &l.queue[0]
	switch {
	case b.speaksOfAll(&head.Event):
		return l.ends == nil || l.partial
	case l.ends != nil:
		return false
	}
	return b.speaksOfTopic(l, &head.Event) || head.place > 0 && l.ordered() && b.first(l.of) == l
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
