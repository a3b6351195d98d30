package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"metadb/internal/change"
)

// The end of a partition need not be the offset behind a record: compaction and
// the end of a retention leave offsets that no record comes from. What waits for
// such an end would wait for ever. So time passes for the barrier, but only while
// records could have come: with polls of all partitions that came back, and faster
// with those that had none, which takes the source seconds. A partition that was
// silent for so long, and whose broker answers, has nothing. Only the end of a
// snapshot goes on waiting for partitions that somebody else reads: endsync would
// end what they have.

// poll is what the source has delivered since time last passed.
type poll int

// The kinds of polls, and how much time they let pass in each interval. After
// silence, which is three polls without any record or three minutes with records of
// others, a partition counts as silent.
const (
	noPoll    poll = 0
	somePoll  poll = 1
	emptyPoll poll = 60
	silence        = 3 * int(emptyPoll)
)

func (p *poll) note(d change.Delivery) {
	switch {
	case len(d.Events) > 0:
		*p = somePoll
	case len(d.Begun) == 0 && len(d.Ended) == 0 && *p == noPoll:
		*p = emptyPoll
	}
}

// passTime lets time pass.
func (b *barrier) passTime(p poll) {
	if len(b.queued) > 0 {
		b.ticks += int(p)
	}
}

// hear notes that the partitions of a topic are not silent.
func (b *barrier) hear(topic string) {
	for _, l := range b.topic(topic).lanes {
		l.heard = b.ticks
	}
}

// silent reports whether a partition, of which something was heard last at a time,
// holds up the head of l without a sign of life.
func (b *barrier) silent(l *lane, heard int) bool { return b.ticks-max(l.told, heard) >= silence }

// stalled returns the partitions that are silent, with their ends; among them those
// that the source is not given to read.
func (b *barrier) stalled() map[change.Partition]int64 {
	if len(b.queued) == 0 {
		return nil
	}
	found := make(map[change.Partition]int64)
	for _, l := range b.queued {
		for _, part := range b.concerns(l) {
			end, all := l.ends[part], b.headSpeaksOfAll(l)
			other := b.lanes[part]
			switch {
			case other == nil:
				if end > 0 && (all || !b.foreign[part]) && b.silent(l, 0) {
					found[part] = end
				}
			case len(other.queue) == 0 && b.silent(l, other.heard):
				if all && b.waitsForAll(l, other) || !all && b.waitsFor(l, other) {
					found[part] = end
				}
			}
		}
	}
	return found
}

// concerns returns the partitions that the head of a lane may wait for. Most heads
// wait for their own topic alone: the ends, which may be those of thousands of topics, are
// gone through only for what speaks of all.
func (b *barrier) concerns(l *lane) []change.Partition {
	if b.headSpeaksOfAll(l) {
		return slices.Collect(maps.Keys(l.ends))
	}
	parts := slices.Clone(l.unread)
	for _, other := range l.of.lanes {
		if _, known := l.ends[other.Partition]; known {
			parts = append(parts, other.Partition)
		}
	}
	return parts
}

// goOn waits for the given partitions no longer, until they say something or are read
// here, and returns what may be collected. The end of a snapshot goes on waiting for those of elsewhere.
func (b *barrier) goOn(without map[change.Partition]int64, elsewhere map[change.Partition]bool) []change.Event {
	for part := range without {
		if l := b.lanes[part]; l != nil {
			l.mute = true
		} else {
			b.foreign[part] = true
		}
	}
	for _, l := range b.queued {
		if l.ends == nil || !b.headSpeaksOfAll(l) {
			continue
		}
		l.ends = maps.Clone(l.ends)
		for part, end := range without {
			if l.ends[part] == end && !elsewhere[part] {
				delete(l.ends, part)
			}
		}
	}
	return b.drain(nil)
}

// lookForStall is called once in each interval. It goes on without partitions that are silent, if their broker
// answers.
func (p *pipeline) lookForStall(ctx context.Context, b *batch) {
	p.barrier.passTime(p.poll)
	for topic := range p.lots.paused() {
		p.barrier.hear(topic) // it is silent because it is not read
	}
	p.poll = noPoll
	stalled := p.barrier.stalled()
	if len(stalled) == 0 {
		return
	}
	ends, err := p.Source.Ends(ctx, nil)
	if err != nil { // of some of them, or of all
		maps.DeleteFunc(stalled, func(part change.Partition, _ int64) bool {
			_, answers := ends[part]
			return !answers
		})
	}
	if len(stalled) == 0 {
		return
	}
	elsewhere := p.barrier.elsewhere(stalled, ends)
	for part, end := range stalled {
		switch {
		case !elsewhere[part]:
			p.Logger.Warn(fmt.Sprintf("%s%s has no record before its end, %d: what waited for it goes on", p.subject(), part, end))
		case !p.elsewhere[part]:
			p.Logger.Warn(fmt.Sprintf("%s%s is not given to this server: the end of the snapshot waits for it (has its consumer group another member?)",
				p.subject(), part))
		}
	}
	p.elsewhere = elsewhere
	p.admit(b, p.barrier.goOn(stalled, elsewhere))
	p.release(ctx, b)
}

// headSpeaksOfAll reports whether the head of a lane tells the end of a snapshot.
func (b *barrier) headSpeaksOfAll(l *lane) bool {
	return len(l.queue) > 0 && b.speaksOfAll(&l.queue[0].Event)
}

// elsewhere returns those of the stalled partitions that still have records and
// are not read here, where the end of a snapshot waits for them: it must not count
// without them.
func (b *barrier) elsewhere(stalled, ends map[change.Partition]int64) map[change.Partition]bool {
	found := make(map[change.Partition]bool)
	for _, l := range b.queued {
		if !b.headSpeaksOfAll(l) {
			continue
		}
		for part := range stalled {
			if b.lanes[part] == nil && l.ends[part] > 0 && ends[part] > 0 {
				found[part] = true
			}
		}
	}
	return found
}
