package pipeline

import (
	"context"
	"slices"
	"time"

	"metadb/internal/change"
)

// fetchEnds requests the end offsets that events wait for, and adds the released events
// to a batch. Missing end offsets are requested again after endsRetryInterval.
func (p *pipeline) fetchEnds(ctx context.Context, b *batch) {
	p.gate.Now = p.monotonicNow()
	for p.gate.NeedsEnds() {
		ends, err := p.Source.Ends(ctx, p.gate.TopicsNeedingEnds())
		if err != nil {
			p.gate.RestartSettling()
		}
		passed := p.gate.SetEndOffsets(ends)
		p.addToBatch(b, passed)
		if err != nil || len(passed) == 0 {
			break
		}
	}
	p.pausePartitions()
}

// readyTimer returns a timer for the time at which end offsets may be read for more events,
// nil if no event waits for that.
func (p *pipeline) readyTimer() <-chan time.Time {
	if in, waits := p.gate.NextReady(); waits {
		return time.After(in)
	}
	return nil
}

// monotonicNow returns the current time, which advances evenly even if the clock is set.
func (p *pipeline) monotonicNow() change.Micros {
	return change.Micros(p.began.UnixMicro() + time.Since(p.began).Microseconds())
}

// pausePartitions pauses the partitions with full queues and those of parked tables, and
// resumes the others.
func (p *pipeline) pausePartitions() {
	waiting := p.gate.FullPartitions()
	for topic := range p.parking.pausedTopics() {
		for _, l := range p.gate.EnsureTopic(topic).Queues {
			if !slices.Contains(waiting, l.Partition) {
				waiting = append(waiting, l.Partition)
			}
		}
	}
	if len(waiting) > 0 || p.hasPaused {
		p.Source.Pause(waiting)
		p.hasPaused = len(waiting) > 0
	}
}
