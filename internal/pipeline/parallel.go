package pipeline

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

// A session of PostgreSQL runs one statement at a time. So the tables of a batch are
// applied in parallel, by several sessions with a transaction each: order is kept per
// key, a key has one lane, and lanes with events of the same table stay together.
// Each share commits with its own positions, wholly or not at all, like a batch of
// its own.

// parallelState is the state of parallel apply. Only the apply stage uses it.
type parallelState struct {
	sessions batch.LaneSessions
	// serialUntil is the time until which batches are not divided.
	serialUntil time.Time
}

// applyBatch applies a batch: in parallel shares if possible, in parts if it has too many
// lanes.
func (p *pipeline) applyBatch(ctx context.Context, b *batch.Batch) error {
	if err := p.takeParked(b); err != nil {
		return err
	}
	var parts []*batch.Batch
	var err error
	if shares := p.splitForWorkers(b); shares == nil {
		parts = b.SplitByLaneLimit()
	} else if parts, err = p.applyParallel(ctx, shares); err != nil {
		return err
	}
	if err := p.applyParts(ctx, parts); err != nil {
		return err
	}
	// A synchronization may have begun meanwhile, or between two shares. Attempts were
	// stored with each part.
	b.AttemptRecords = nil
	b.Snapshots = p.observeSnapshots(b)
	return nil
}

// applyParallel applies each share by an applier of its own. It returns the parts that are
// left after failures, for single retries. The error is one that a retry can't help.
func (p *pipeline) applyParallel(ctx context.Context, shares []*batch.Batch) (rest []*batch.Batch, err error) {
	tries := make([]shareResult, len(shares))
	var busy sync.WaitGroup
	for i, share := range shares {
		if len(share.Spans) > 0 {
			tries[i].parts = share.SplitByLaneLimit()
			busy.Go(func() { tries[i].applyShare(ctx, p.Appliers[i]) })
		}
	}
	busy.Wait()
	var failures []string
	var moved error
	for i := range tries {
		t := &tries[i]
		for k, outcome := range t.done {
			p.reportOutcome(ctx, t.parts[k], outcome)
		}
		if rest = append(rest, t.parts[len(t.done):]...); t.failure == nil {
			continue
		}
		if text := t.failure.Error(); !slices.Contains(failures, text) {
			failures = append(failures, text)
		}
		if decide(t.failure) == rebuildStream {
			moved = t.failure
		}
	}
	// The other shares are committed, and reported above.
	switch {
	case len(failures) == 0:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case moved != nil:
		return nil, rebuildError(moved)
	default:
		p.parallel.serialUntil = time.Now().Add(serialPause)
		p.Logger.Info(p.logPrefix() + "tables are applied one after the other for a while: " + strings.Join(failures, "; "))
	}
	return rest, nil
}

// shareResult is the result of applying the parts of a share.
type shareResult struct {
	parts []*batch.Batch
	// done are the outcomes of the applied parts, failure is the error of the next one.
	done    []change.Outcome
	failure error
}

func (t *shareResult) applyShare(ctx context.Context, applier Applier) {
	for _, part := range t.parts {
		part.LockTimeout = firstLockTimeout
		outcome, err := applier.Apply(ctx, &part.Batch)
		if err != nil {
			t.failure, part.Failure = err, err
			return
		}
		t.done = append(t.done, outcome)
	}
}

// applyParts applies parts of a batch, one after the other.
func (p *pipeline) applyParts(ctx context.Context, parts []*batch.Batch) error {
	for _, part := range parts {
		if err := p.applyWithRetry(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// splitForWorkers splits a batch into shares, one for each applier. It returns nil if the batch
// is too small, or has progress of a snapshot, which is stored when all of the batch is
// applied.
func (p *pipeline) splitForWorkers(b *batch.Batch) []*batch.Batch {
	n := len(p.Appliers)
	if n == 1 || len(b.Events) < 2*p.MinShareEvents || b.Signals.HasEnd || time.Now().Before(p.parallel.serialUntil) || len(p.observeSnapshots(b)) > 0 {
		return nil
	}
	groups := b.GroupTables()
	if len(groups) == 1 {
		return nil
	}
	assigned := p.parallel.sessions.AssignSessions(groups, n)
	return b.SplitBy(n, func(lane change.Lane) int { return assigned[lane] })
}
