package pipeline

import (
	"context"
	"time"

	"metadb/internal/backoff"
	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
	"metadb/internal/target/pgcode"
)

// deadlineCheckInterval is how often the deadline of a snapshot is checked.
const deadlineCheckInterval = 5 * time.Second

// applyBatches applies one batch after the other, retries parked tables, and checks the
// deadline of snapshots.
func (p *pipeline) applyBatches(ctx context.Context) error {
	tick := time.NewTicker(deadlineCheckInterval)
	defer tick.Stop()
	again := time.NewTicker(min(p.LongestPause, parkedRetryInterval))
	defer again.Stop()
	for {
		select {
		case p.batchRequests <- struct{}{}:
			select {
			case b := <-p.batches:
				if err := p.applyBatch(ctx, b); err != nil {
					return err
				}
				p.checkSnapshots(ctx, b)
			case <-ctx.Done():
				return ctx.Err()
			}
		case <-again.C:
			if err := p.retryParked(ctx); err != nil {
				return err
			}
		case <-tick.C:
			p.checkSnapshots(ctx, nil)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// applyWithRetry applies a batch, and retries it after failures that pass. The events of
// parked tables are taken out of it first.
func (p *pipeline) applyWithRetry(ctx context.Context, b *batch.Batch) error {
	if err := p.takeParked(b); err != nil {
		return err
	}
	pauses, strikes := backoff.New(p.FirstPause, p.LongestPause), make(map[change.Table]int)
	b.LockTimeout = firstLockTimeout
	if pgcode.IsLockTimeout(b.Failure) {
		b.LockTimeout = shortLockTimeout
	}
	// A lock that timed out may have been held by another share.
	if table, stuck := tableAtFault(b.Failure); stuck && !pgcode.IsLockTimeout(b.Failure) {
		strikes[table]++
		p.reportFailure(b, b.Failure)
	}
	for len(b.Spans) > 0 {
		b.Snapshots = p.observeSnapshots(b)
		// A batch that has begun is finished or rolled back, also when the
		// server stops meanwhile: the context cancels it.
		outcome, err := p.Appliers[0].Apply(ctx, &b.Batch)
		if err == nil {
			p.applyAttempts(b)
			p.reportOutcome(ctx, b, outcome)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if decide(err) == rebuildStream {
			return rebuildError(err)
		}
		p.reportFailure(b, err)
		if narrowed, err := p.applyHalf(ctx, b, err); err != nil {
			return err
		} else if narrowed {
			continue
		}
		if table, stuck := tableAtFault(err); stuck {
			if pgcode.IsLockTimeout(err) {
				b.LockTimeout = shortLockTimeout
			}
			if strikes[table]++; (strikes[table] >= maxTableFailures || isRefusedTable(err) || pgcode.IsLockTimeout(err)) && p.parking.hasRoomFor(b, p.BatchBytes) {
				if err := p.parkTable(b, table, err); err != nil {
					return err
				}
				pauses.Reset() // a failure of the next table is a new one
				continue
			}
		}
		if err := pauses.Wait(ctx); err != nil {
			return err
		}
	}
	p.reportHealth(applyStage, nil)
	return nil
}

// reportOutcome reports the outcome of a batch, and acknowledges its spans.
func (p *pipeline) reportOutcome(ctx context.Context, b *batch.Batch, outcome change.Outcome) {
	p.reportHealth(applyStage, nil)
	p.lag.addApplied(b.Spans)
	if p.lag.takeReportDue() {
		p.Reporter.Lag(p.lag.countWaiting())
	}
	for _, line := range outcome.Warnings {
		p.Logger.Warn(line)
	}
	for _, n := range outcome.Columns {
		p.logColumnNote(n.Table, n.Note)
	}
	for _, refusal := range outcome.Refusals {
		if p.Reporter.Refused(refusal) {
			p.Logger.Warn(p.logPrefix() + "not applied: " + refusal)
		}
	}
	for _, missing := range outcome.Missing {
		p.Reporter.Missing(missing)
	}
	p.logRejected(outcome)
	var last time.Time
	if b.LastTime != 0 {
		last = b.LastTime.UTC()
	}
	p.Reporter.Applied(outcome, last)
	p.Source.Ack(ctx, b.Spans)
}
