package pipeline

import (
	"context"
	"sync"
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

// lagInterval is how often the end offsets of the topics are requested.
const lagInterval = 5 * time.Second

// lagTracker has, of each assigned partition, the offset up to which it is applied and
// the known end: by the broker's last answer, or by the records that were read since.
type lagTracker struct {
	mu         sync.Mutex
	next, ends map[change.Partition]int64
	// reportedWithFailure says that the lag was reported with a failure: it must be reported
	// again as soon as batches are applied, not only after the broker's next answer.
	reportedWithFailure bool
}

func newLagTracker() lagTracker {
	return lagTracker{next: make(map[change.Partition]int64), ends: make(map[change.Partition]int64)}
}

func (p *lagTracker) startPartition(part change.Partition, from int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next[part] = from
	delete(p.ends, part)
}

func (p *lagTracker) stopPartition(part change.Partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.next, part)
	delete(p.ends, part)
}

// addRead adds spans that have been read and are not applied.
func (p *lagTracker) addRead(spans []change.Span) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, span := range spans {
		if _, ours := p.next[span.Partition]; ours {
			p.ends[span.Partition] = max(p.ends[span.Partition], span.To.Next)
			p.reportedWithFailure = true
		}
	}
}

// addEnds sets the ends of partitions by an answer of the broker.
func (p *lagTracker) addEnds(ends map[change.Partition]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for part := range p.next {
		if end, known := ends[part]; known {
			p.ends[part] = max(p.ends[part], end)
		}
	}
}

// takeReportDue reports whether the lag must be reported with an applied batch. After a
// failure that holds until no record waits.
func (p *lagTracker) takeReportDue() bool {
	lag := p.countWaiting()
	p.mu.Lock()
	defer p.mu.Unlock()
	raised := p.reportedWithFailure
	p.reportedWithFailure = raised && lag > 0
	return raised
}

// addApplied adds committed spans. Those of revoked partitions are ignored.
func (p *lagTracker) addApplied(spans []change.Span) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, span := range spans {
		if _, ours := p.next[span.Partition]; ours {
			p.next[span.Partition] = span.To.Next
		}
	}
}

// countWaiting returns the number of records between the applied offsets and the ends.
func (p *lagTracker) countWaiting() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lag int64
	for part, next := range p.next {
		if end, known := p.ends[part]; known {
			lag += max(end-next, 0)
		}
	}
	return lag
}

// reportFailure reports the failure of a batch together with the lag, since the broker's
// last answer may be older than the batch.
func (p *pipeline) reportFailure(b *batch.Batch, why error) {
	p.lag.addRead(b.Spans)
	p.Reporter.Lag(p.lag.countWaiting())
	p.reportHealth(applyStage, why)
}

// measureLag reports the lag every lagInterval.
func (p *pipeline) measureLag(ctx context.Context) error {
	tick := time.NewTicker(lagInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		ends, err := p.Source.Ends(ctx, nil)
		if err != nil {
			continue // the broker is away: fetching reports it
		}
		p.lag.addEnds(ends)
		p.Reporter.Lag(p.lag.countWaiting())
	}
}
