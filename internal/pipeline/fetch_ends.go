package pipeline

import (
	"context"
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

// fetchEnds requests the end offsets that events wait for, and adds the released events
// to a batch. Missing end offsets are requested again after endsRetryInterval.
func (p *pipeline) fetchEnds(ctx context.Context, b *batch.Batch) {
	for {
		lanes, needed := p.gate.NeededEnds(p.monotonicNow())
		if !needed {
			break
		}
		ends, err := p.Source.Ends(ctx, lanes)
		released := p.gate.SetEnds(ends, err == nil)
		p.addToBatch(b, released)
		if err != nil || len(released) == 0 {
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
	waiting := p.gate.Paused(p.parking.pausedLanes())
	if len(waiting) > 0 || p.hasPaused {
		p.Source.Pause(waiting)
		p.hasPaused = len(waiting) > 0
	}
}
