package pipeline

import (
	"context"
	"fmt"
	"maps"

	"metadb/internal/change"
)

// The end of a partition need not be the offset behind a record: compaction and
// the end of a retention leave offsets that no record comes from. What waits for
// such an end would wait for ever. So time passes for the barrier, but only while
// records could have come: with polls of all partitions that came back, and faster
// with those that had none, which takes the source seconds. A partition that was
// silent for so long, and whose broker answers, has nothing.

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
	if b.waiting > 0 {
		b.ticks += int(p)
	}
}

// silent reports whether other holds up the head of l without a sign of life.
func (b *barrier) silent(l, other *lane) bool {
	return l.ends != nil && len(other.queue) == 0 && !b.passed(l, other) && b.ticks-max(l.told, other.heard) >= silence
}

// stalled returns the partitions that are silent, with their ends.
func (b *barrier) stalled() map[change.Partition]int64 {
	if b.waiting == 0 {
		return nil
	}
	var found map[change.Partition]int64
	for _, l := range b.lanes {
		if len(l.queue) == 0 {
			continue
		}
		for _, other := range b.lanes {
			if !b.silent(l, other) {
				continue
			}
			if found == nil {
				found = make(map[change.Partition]int64)
			}
			found[other.Partition] = l.ends[other.Partition]
		}
	}
	return found
}

// goOn waits for the given partitions no longer, and returns what may be
// collected.
func (b *barrier) goOn(without map[change.Partition]int64) []change.Event {
	for _, l := range b.lanes {
		if l.ends == nil {
			continue
		}
		l.ends = maps.Clone(l.ends)
		for part, end := range without {
			if l.ends[part] == end {
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
	p.poll = noPoll
	stalled := p.barrier.stalled()
	if len(stalled) == 0 {
		return
	}
	if _, err := p.Source.Ends(ctx); err != nil {
		return
	}
	for part, end := range stalled {
		p.Logger.Warn(fmt.Sprintf("%s%s has no record before its end, %d: what waited for it goes on", p.subject(), part, end))
	}
	p.admit(b, p.barrier.goOn(stalled))
	p.release(ctx, b)
}
