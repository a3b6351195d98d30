package pipeline

import (
	"maps"
	"slices"
	"time"

	"metadb/internal/change"
)

// A producer writes to each partition by itself: what comes first may be written a
// moment later than what follows it elsewhere. So the ends are read only when an event is
// older than writeSkew, which all events are while the stream is behind. That only keeps late
// records rare: a producer that works off a backlog writes them seconds later, and they take
// their places in history.
const writeSkew = 250 * time.Millisecond

// ripens returns how long it takes until the ends may be read for an event that waits,
// false if none waits for that.
func (b *barrier) ripens() (time.Duration, bool) {
	var first change.Micros
	for _, l := range b.queued {
		if ripe := b.ripeAt(&l.queue[0]); ripe > b.now && (first == 0 || ripe < first) {
			first = ripe
		}
	}
	return time.Duration(first-b.now) * time.Microsecond, first != 0
}

// ripe returns how many events at the head of a queue the ends may be read for.
func (b *barrier) ripe(l *lane) int {
	for i := range l.queue {
		if b.ripeAt(&l.queue[i]) > b.now {
			return i
		}
	}
	return len(l.queue)
}

// told says where the partitions of all topics end now, or those of the topics that
// about names. What waits for a topic that is not among them goes on waiting: its ends could not
// be had. It returns what may be collected.
func (b *barrier) told(ends map[change.Partition]int64) []change.Event {
	known := make(map[string]bool)
	for part := range ends {
		known[part.Topic] = true
	}
	all := b.about() == nil && b.readsOnly(known)
	unread := b.unread(ends)
	for _, l := range b.queued {
		ripe := b.ripe(l)
		if ripe > 0 && known[l.Topic] && (l.ends == nil || b.asking(l)) && (all || !b.headSpeaksOfAll(l)) {
			l.ends, l.covered, l.told, l.partial = ends, ripe, b.ticks, !all
			l.unread = unread[l.Topic]
		}
	}
	return b.drain(nil)
}

// readsOnly reports whether all partitions that are read are of these topics.
func (b *barrier) readsOnly(topics map[string]bool) bool {
	for part := range b.lanes {
		if !topics[part.Topic] {
			return false
		}
	}
	return true
}

// unread returns the partitions of each topic that have records and are not read: of all
// topics at once, since thousands may be waited for.
func (b *barrier) unread(ends map[change.Partition]int64) map[string][]change.Partition {
	unread := make(map[string][]change.Partition)
	for part, end := range ends {
		if end > 0 && b.lanes[part] == nil && !b.foreign[part] {
			unread[part.Topic] = append(unread[part.Topic], part)
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
	case b.ripeAt(head) > b.now:
		return false
	case b.speaksOfAll(&head.Event):
		return l.ends == nil || l.partial
	case l.ends != nil:
		return false
	}
	return b.speaksOfTopic(l, &head.Event) || head.place > 0 && l.ordered() && b.first(l.of) == l
}
