package pipeline

import (
	"context"
	"sync"
	"time"

	"metadb/internal/change"
)

// lagInterval is how often the ends of the topics are asked for.
const lagInterval = 5 * time.Second

// progress keeps how far each partition that is read has been applied, and where
// it ends as far as that is known: by the broker's last answer, or by what was read
// since.
type progress struct {
	mu         sync.Mutex
	next, ends map[change.Partition]int64
	// raised says that the lag was told with a failure: it is to be told when
	// that has passed, and not only with the broker's next answer.
	raised bool
}

func newProgress() progress {
	return progress{next: make(map[change.Partition]int64), ends: make(map[change.Partition]int64)}
}

func (p *progress) begin(part change.Partition, from int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next[part] = from
	delete(p.ends, part)
}

func (p *progress) end(part change.Partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.next, part)
	delete(p.ends, part)
}

// reached notes spans that have been read, and not applied.
func (p *progress) reached(spans []change.Span) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, span := range spans {
		if _, ours := p.next[span.Partition]; ours {
			p.ends[span.Partition] = max(p.ends[span.Partition], span.To.Next)
			p.raised = true
		}
	}
}

// measured notes where partitions end, by the broker.
func (p *progress) measured(ends map[change.Partition]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for part := range p.next {
		if end, known := ends[part]; known {
			p.ends[part] = max(p.ends[part], end)
		}
	}
}

// passed reports whether the lag has to be told with what has been applied, since
// it was told with a failure: until nothing waits any more.
func (p *progress) passed() bool {
	lag := p.lag()
	p.mu.Lock()
	defer p.mu.Unlock()
	raised := p.raised
	p.raised = raised && lag > 0
	return raised
}

// applied notes spans that are committed, of partitions that are still read.
func (p *progress) applied(spans []change.Span) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, span := range spans {
		if _, ours := p.next[span.Partition]; ours {
			p.next[span.Partition] = span.To.Next
		}
	}
}

// lag returns how many records lie between what is applied and the ends.
func (p *progress) lag() int64 {
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

// failed tells that a batch could not be applied, and why. The lag is told with
// it: what the broker said last may be older than the batch.
func (p *pipeline) failed(b *batch, why error) {
	p.progress.reached(b.Spans)
	p.Reporter.Lag(p.progress.lag())
	p.is(applying, why)
}

// measure tells the lag from time to time.
func (p *pipeline) measure(ctx context.Context) error {
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
			continue // the broker is away: fetching says so
		}
		p.progress.measured(ends)
		p.Reporter.Lag(p.progress.lag())
	}
}
