package pipeline

import (
	"context"
	"maps"
	"time"

	"metadb/internal/change"
)

// lagInterval is how often the ends of the topics are asked for.
const lagInterval = 5 * time.Second

// apply applies one batch after the other, and looks after what goes by the
// clock: the lag, and the deadline of a snapshot.
func (p *pipeline) apply(ctx context.Context) error {
	tick := time.NewTicker(lagInterval)
	defer tick.Stop()
	committed := make(map[change.Partition]int64)
	for {
		select {
		case p.wanted <- struct{}{}:
			select {
			case b := <-p.batches:
				maps.Copy(committed, b.begun)
				if err := p.applyOne(ctx, b); err != nil {
					return err
				}
				for _, span := range b.Spans {
					committed[span.Partition] = span.To.Next
				}
				p.lookAtSnapshot(ctx, b, committed)
			case <-ctx.Done():
				return ctx.Err()
			}
		case <-tick.C:
			p.measureLag(ctx, committed)
			p.lookAtSnapshot(ctx, nil, committed)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// applyOne has a batch applied, again and again while that fails for reasons
// that pass.
func (p *pipeline) applyOne(ctx context.Context, b *batch) error {
	if len(b.Spans) == 0 {
		return nil
	}
	pauses := p.pauses()
	for {
		// A batch that has begun is finished or rolled back, also when the
		// server stops meanwhile: the context cancels it.
		outcome, err := p.Applier.Apply(ctx, &b.Batch)
		if err == nil {
			p.report(ctx, b, outcome)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if decide(err) == restart {
			return restartError(err)
		}
		p.Logger.Warn(p.subject() + "batch rolled back, trying again: " + err.Error())
		p.Reporter.Failed(err)
		if err := pauses.wait(ctx); err != nil {
			return err
		}
	}
}

// report tells what a batch did.
func (p *pipeline) report(ctx context.Context, b *batch, outcome change.Outcome) {
	for _, line := range outcome.Warnings {
		p.Logger.Warn(line)
	}
	for _, r := range outcome.Rejections {
		p.Logger.Warn(p.subject()+"event set aside in metadb.rejected_event", "position", r.Position.String(), "reason", r.Reason)
	}
	var last time.Time
	if b.last != 0 {
		last = time.UnixMicro(int64(b.last)).UTC()
	}
	p.Reporter.Active()
	p.Reporter.Applied(outcome, last)
	p.Source.Ack(ctx, b.Spans)
}

// measureLag tells how many records the topics hold beyond what is applied.
func (p *pipeline) measureLag(ctx context.Context, committed map[change.Partition]int64) {
	ends, err := p.Source.Ends(ctx)
	if err != nil {
		return // the broker is away: fetching says so
	}
	var lag int64
	for part, end := range ends {
		if next, known := committed[part]; known {
			lag += max(end-next, 0)
		}
	}
	p.Reporter.Lag(lag)
}
