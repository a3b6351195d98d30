package pipeline

import (
	"context"
	"slices"
	"time"

	"metadb/internal/change"
)

// release asks for the ends of the topics where events wait for them, and adds
// what need not wait any longer. What could not be had is asked for again after a while.
func (p *pipeline) release(ctx context.Context, b *batch) {
	p.barrier.now = p.now()
	for p.barrier.asks() {
		ends, err := p.Source.Ends(ctx, p.barrier.about())
		if err != nil {
			p.barrier.unsettle()
		}
		passed := p.barrier.told(ends)
		p.admit(b, passed)
		if err != nil || len(passed) == 0 {
			break
		}
	}
	p.pause()
}

// ripe returns the moment at which the ends may be read for more events, nil if none
// waits for it.
func (p *pipeline) ripe() <-chan time.Time {
	if in, waits := p.barrier.ripens(); waits {
		return time.After(in)
	}
	return nil
}

// now is the time of day, which goes on evenly also where the clock is set.
func (p *pipeline) now() change.Micros {
	return change.Micros(p.began.UnixMicro() + time.Since(p.began).Microseconds())
}

// pause lets partitions wait of which too much is held back, or whose table waits.
func (p *pipeline) pause() {
	waiting := p.barrier.full()
	for topic := range p.lots.paused() {
		for _, l := range p.barrier.topic(topic).lanes {
			if !slices.Contains(waiting, l.Partition) {
				waiting = append(waiting, l.Partition)
			}
		}
	}
	if len(waiting) > 0 || p.holding {
		p.Source.Pause(waiting)
		p.holding = len(waiting) > 0
	}
}
