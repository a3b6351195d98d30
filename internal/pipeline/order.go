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
		var cleared *lane
		for _, l := range b.queued {
			if b.clearedOfAll(l) && (cleared == nil || compareHeads(l, cleared) < 0) {
				cleared = l
			}
		}
		if cleared == nil {
			break
		}
		through = b.release(cleared, through)
	}
	return through
}

// next returns the lane of a topic whose head may go, nil if there is none.
func (b *barrier) next(of *topic) *lane {
	for _, l := range of.lanes {
		if len(l.queue) == 0 || b.speaksOfAll(&l.queue[0].Event) {
			continue
		}
		head := &l.queue[0]
		switch speaks := b.speaksOfTopic(l, &head.Event); {
		case speaks && head.place == 0:
			if b.cleared(l) {
				return l
			}
		case !speaks && !(head.place > 0 && l.ordered()):
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
		if len(l.queue) == 0 || l.queue[0].place == 0 {
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
// partitions.
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
	return l.newcomer && l.ordered() || e.Op == change.Truncate ||
		e.Op == change.Upsert && e.OldKey != nil && e.Row.HasUnavailable()
}

// cleared reports whether the head of a lane, a change that has its place or speaks of its
// topic, may go.
func (b *barrier) cleared(l *lane) bool {
	if b.speaksOfTopic(l, &l.queue[0].Event) && (l.ends == nil || b.unread(l, false)) {
		return false
	}
	return !slices.ContainsFunc(l.of.lanes, func(other *lane) bool { return b.waitsFor(l, other) })
}

// clearedOfAll reports whether the head of a lane speaks of all topics and may go.
func (b *barrier) clearedOfAll(l *lane) bool {
	if !b.speaksOfAll(&l.queue[0].Event) || l.ends == nil || l.partial || b.unread(l, true) {
		return false
	}
	for _, other := range b.lanes {
		if b.waitsForAll(l, other) {
			return false
		}
	}
	return true
}

// unread reports whether there are partitions, of all topics or of the lane's, that
// have records and are not read yet.
func (b *barrier) unread(l *lane, all bool) bool {
	for part, end := range l.ends {
		if end > 0 && b.lanes[part] == nil && (all || part.Topic == l.Topic) {
			return true
		}
	}
	return false
}

// waitsFor reports whether the head of l, which does not speak of all topics, waits
// for another partition of its topic.
func (b *barrier) waitsFor(l, other *lane) bool {
	switch {
	case other == l:
		return false
	case len(other.queue) > 0 && l.queue[0].stands() > 0:
		return !b.follows(other, l)
	case other.mute && !b.speaksOfTopic(l, &l.queue[0].Event):
		return false
	}
	return l.ends == nil || l.before(other)
}

// before reports whether other has not come to the end that l knows of.
func (l *lane) before(other *lane) bool {
	end, known := l.ends[other.Partition]
	return known && other.next < end
}

// follows reports whether the head of other may go after that of l, which stands
// somewhere. What speaks of all topics holds up only what speaks of this one.
func (b *barrier) follows(other, l *lane) bool {
	mine, theirs := &l.queue[0], &other.queue[0]
	speaks := b.speaksOfTopic(l, &mine.Event)
	if !speaks && b.speaksOfAll(&theirs.Event) {
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
	return l.queue[0].LSN == 0 || other.queue[0].LSN <= l.queue[0].LSN
}
