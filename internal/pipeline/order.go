package pipeline

import (
	"cmp"
	"slices"
	"strings"

	"metadb/internal/change"
)

// drain appends to through what need not wait any longer: of each topic in its order,
// and when nothing else can go what speaks of all topics.
func (b *barrier) drain(through []change.Event) []change.Event {
	for len(b.queued) > 0 {
		for _, l := range slices.Clone(b.queued) {
			for next := b.next(l.of); next != nil; next = b.next(l.of) {
				through = b.release(next, through)
			}
		}
		var first *lane // all others that speak of all topics wait for it
		for _, l := range b.queued {
			if b.headSpeaksOfAll(l) && (first == nil || compareHeads(l, first) < 0) {
				first = l
			}
		}
		if first == nil || !b.clearedOfAll(first) {
			break
		}
		through = b.release(first, through)
	}
	return through
}

// next returns the lane of a topic whose head may go, nil if there is none. What waits
// for nothing comes first: behind it may be a change that others have to wait for.
func (b *barrier) next(of *topic) *lane {
	var speaking []*lane
	for _, l := range of.lanes {
		if len(l.queue) == 0 || b.speaksOfAll(&l.queue[0].Event) {
			continue
		}
		head := &l.queue[0]
		switch speaks := b.speaksOfTopic(l, &head.Event); {
		case speaks && head.place == 0:
			speaking = append(speaking, l)
		case !speaks && !(head.place > 0 && l.ordered()):
			return l
		}
	}
	for _, l := range speaking {
		if b.cleared(l) {
			return l
		}
	}
	if l := b.first(of); l != nil && b.cleared(l) {
		return l
	}
	return nil
}

// first returns the lane whose head is a change that comes before those of all other
// lanes of its topic, nil if there is none. In a topic with one partition that is
// what speaks of others.
func (b *barrier) first(of *topic) *lane {
	var first *lane
	for _, l := range of.lanes {
		if len(l.queue) == 0 || l.queue[0].place == 0 || b.awaitsDelete(l) {
			continue
		}
		if l.ordered() || b.speaksOfTopic(l, &l.queue[0].Event) {
			if first == nil || b.follows(first, l) {
				first = l
			}
		}
	}
	return first
}

// compareHeads orders two lanes by where what they hold back stands, which is last
// where that is not known; ties only need some order.
func compareHeads(x, y *lane) int {
	return cmp.Or(
		cmp.Compare(x.queue[0].stands()-1, y.queue[0].stands()-1), // 0 becomes the highest
		strings.Compare(x.Topic, y.Topic),
		cmp.Compare(x.Number, y.Number),
	)
}

// speaks reports whether an event, the next one of its lane, speaks of other
// partitions.
func (b *barrier) speaks(l *lane, e *change.Event) bool {
	return b.speaksOfTopic(l, e) || b.speaksOfAll(e)
}

func (b *barrier) speaksOfAll(e *change.Event) bool {
	return endsSnapshot(e) && b.awaited(e)
}

// endsSnapshot reports whether an event says that a snapshot is complete.
func endsSnapshot(e *change.Event) bool {
	return e.Snapshot == change.LastInSnapshot || e.Snapshot == change.LastInTable || e.Notice != nil && e.Notice.Ends
}

func (b *barrier) speaksOfTopic(l *lane, e *change.Event) bool {
	return l.newcomer && l.ordered() && e.Snapshot != change.Streamed || e.Op == change.Truncate ||
		e.OldKey != nil && e.Lacks()
}

// cleared reports whether the head of a lane, a change that has its place or speaks of its
// topic, may go.
func (b *barrier) cleared(l *lane) bool {
	missing := func(part change.Partition) bool { return b.lanes[part] == nil && !b.foreign[part] }
	if l.ends == nil || slices.ContainsFunc(l.unread, missing) || b.awaitsDelete(l) {
		return false
	}
	return !slices.ContainsFunc(l.of.lanes, func(other *lane) bool { return b.waitsFor(l, other) })
}

// clearedOfAll reports whether the head of a lane, which speaks of all topics, may go.
func (b *barrier) clearedOfAll(l *lane) bool {
	if l.ends == nil || l.partial {
		return false
	}
	for part, end := range l.ends {
		if end > 0 && b.lanes[part] == nil {
			return false
		}
	}
	for _, other := range b.lanes {
		if b.waitsForAll(l, other) {
			return false
		}
	}
	return true
}

// waitsFor reports whether the head of l, which does not speak of all topics, waits
// for another partition of its topic.
func (b *barrier) waitsFor(l, other *lane) bool {
	switch {
	case other == l || other.mute:
		return false
	case len(other.queue) == 0:
		return l.before(other)
	case b.awaitsDelete(other):
		return false
	case l.queue[0].stands() > 0:
		return !b.follows(other, l)
	case b.headSpeaksOfAll(other):
		return false
	case other.queue[0].stands() == 0:
		return compareHeads(other, l) < 0
	}
	return l.before(other)
}

// before reports whether other has not come to the end that l knows of.
func (l *lane) before(other *lane) bool {
	end, known := l.ends[other.Partition]
	return known && other.next < end
}

// follows reports whether the head of other may go after that of l, which stands
// somewhere. What speaks of all topics holds up what follows it, for the sake of what is
// behind it in its partition: that may precede l's. It waits itself only for what
// precedes it.
func (b *barrier) follows(other, l *lane) bool {
	mine, theirs := &l.queue[0], &other.queue[0]
	speaks := b.speaksOfTopic(l, &mine.Event)
	if b.speaksOfAll(&theirs.Event) && theirs.stands() == mine.stands() {
		return true
	}
	if theirs.stands() == 0 || theirs.stands() != mine.stands() {
		return theirs.stands() == 0 || theirs.stands() > mine.stands()
	}
	// The delete of a change of key comes before the insert, which has its lsn.
	return !speaks || b.speaksOfTopic(other, &theirs.Event) && l.Number < other.Number
}

// stands returns where an event stands among those of its topic, 0 if that is not known.
func (h *held) stands() uint64 { return cmp.Or(h.place, h.LSN) }

// waitsForAll reports whether the head of l, which speaks of all topics, waits for
// another partition.
func (b *barrier) waitsForAll(l, other *lane) bool {
	switch {
	case other == l || !l.before(other):
		return false
	case len(other.queue) == 0:
		return true
	case b.speaksOfAll(&other.queue[0].Event):
		return compareHeads(other, l) < 0
	}
	mine, theirs := l.queue[0].stands(), other.queue[0].stands()
	return mine == 0 || theirs > 0 && theirs <= mine
}
