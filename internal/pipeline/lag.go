package pipeline

import (
	"context"
	"sync"
	"time"

	"metadb/internal/change"
)

// lagInterval is how often the ends of the topics are asked for.
const lagInterval = 5 * time.Second

// progress keeps how far each partition that is read has been applied.
type progress struct {
	mu   sync.Mutex
	next map[change.Partition]int64
}

func (p *progress) begin(part change.Partition, from int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next[part] = from
}

func (p *progress) end(part change.Partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.next, part)
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
func (p *progress) lag(ends map[change.Partition]int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lag int64
	for part, next := range p.next {
		if end, known := ends[part]; known {
			lag += max(end-next, 0)
		}
	}
	return lag
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
		p.Reporter.Lag(p.progress.lag(ends))
	}
}
