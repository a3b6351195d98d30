package pipeline

import (
	"context"
	"time"

	"metadb/internal/change"
)

// watchInterval is how often the deadline of a snapshot is looked at.
const watchInterval = 5 * time.Second

// apply applies one batch after the other, and looks after the deadline of a
// snapshot.
func (p *pipeline) apply(ctx context.Context) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	again := time.NewTicker(min(p.LongestPause, lotInterval))
	defer again.Stop()
	for {
		select {
		case p.wanted <- struct{}{}:
			select {
			case b := <-p.batches:
				if err := p.applyOne(ctx, b); err != nil {
					return err
				}
				p.lookAtSnapshot(ctx, b)
			case <-ctx.Done():
				return ctx.Err()
			}
		case <-again.C:
			if err := p.retryLots(ctx); err != nil {
				return err
			}
		case <-tick.C:
			p.lookAtSnapshot(ctx, nil)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// applyPart has a batch applied, again and again while that fails for reasons
// that pass. What belongs to tables that wait is taken out of it.
func (p *pipeline) applyPart(ctx context.Context, b *batch) error {
	if err := p.divert(b); err != nil {
		return err
	}
	pauses, strikes := p.pauses(), make(map[change.Table]int)
	b.LockTimeout = firstLockTimeout
	if isLock(b.failure) {
		b.LockTimeout = nextLockTimeout
	}
	// A lock may have been that of another share.
	if table, stuck := stuckTable(b.failure); stuck && !isLock(b.failure) {
		strikes[table]++
		p.failed(b, b.failure)
	}
	for len(b.Spans) > 0 {
		b.Snapshots = p.news(b)
		// A batch that has begun is finished or rolled back, also when the
		// server stops meanwhile: the context cancels it.
		outcome, err := p.Appliers[0].Apply(ctx, &b.Batch)
		if err == nil {
			p.noteAttempts(b)
			p.report(ctx, b, outcome)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if decide(err) == restart {
			return restartError(err)
		}
		p.failed(b, err)
		if narrowed, err := p.narrower(ctx, b, err); err != nil {
			return err
		} else if narrowed {
			continue
		}
		if table, stuck := stuckTable(err); stuck {
			if isLock(err) {
				b.LockTimeout = nextLockTimeout
			}
			if strikes[table]++; (strikes[table] >= strikesToPark || isRefused(err) || isLock(err)) && p.lots.roomFor(b, p.BatchBytes) {
				if err := p.park(b, table, err); err != nil {
					return err
				}
				pauses.reset() // the next table's failure is another one
				continue
			}
		}
		if err := pauses.wait(ctx); err != nil {
			return err
		}
	}
	p.is(applying, nil)
	return nil
}

// report tells what a batch did.
func (p *pipeline) report(ctx context.Context, b *batch, outcome change.Outcome) {
	p.is(applying, nil)
	p.progress.applied(b.Spans)
	if p.progress.passed() {
		p.Reporter.Lag(p.progress.lag())
	}
	for _, line := range outcome.Warnings {
		p.Logger.Warn(line)
	}
	for _, n := range outcome.Columns {
		p.logColumn(n.Table, n.Note)
	}
	for _, refusal := range outcome.Refusals {
		if p.Reporter.Refused(refusal) {
			p.Logger.Warn(p.subject() + "not applied: " + refusal)
		}
	}
	for _, missing := range outcome.Missing {
		p.Reporter.Missing(missing)
	}
	p.tellRejected(outcome)
	var last time.Time
	if b.last != 0 {
		last = time.UnixMicro(int64(b.last)).UTC()
	}
	p.Reporter.Applied(outcome, last)
	p.Source.Ack(ctx, b.Spans)
}
