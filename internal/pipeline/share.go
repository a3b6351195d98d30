package pipeline

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"metadb/internal/change"
)

// A session of PostgreSQL works on one statement at a time. So the tables of a batch
// are applied side by side, in a session and a transaction each for some of them:
// order is kept per key, a key has one topic, and topics with events of the same
// table stay together. Each part commits with its own positions, wholly or not at
// all, as if it had been a batch of its own.

// shared is what applying side by side remembers. Only apply uses it.
type shared struct {
	sessions sessions
	// alone is until when there are no shares.
	alone time.Time
}

// applyOne has a batch applied, in parts where that is possible or necessary.
func (p *pipeline) applyOne(ctx context.Context, b *batch) error {
	if err := p.divert(b); err != nil {
		return err
	}
	var parts []*batch
	var err error
	if shares := p.share(b); shares == nil {
		parts = b.parts()
	} else if parts, err = p.sideBySide(ctx, shares); err != nil {
		return err
	}
	if err := p.applyParts(ctx, parts); err != nil {
		return err
	}
	// A synchronization may have begun meanwhile, or between two shares. Attempts were
	// noted with each part.
	b.sightings = nil
	b.Snapshots = p.news(b)
	return nil
}

// sideBySide has each share applied by an applier of its own. It returns the parts that
// are left after failures, which are tried again by themselves; the error is one that
// no further try helps against.
func (p *pipeline) sideBySide(ctx context.Context, shares []*batch) (rest []*batch, err error) {
	tries := make([]try, len(shares))
	var busy sync.WaitGroup
	for i, share := range shares {
		if len(share.Spans) > 0 {
			tries[i].parts = share.parts()
			busy.Go(func() { tries[i].apply(ctx, p.Appliers[i]) })
		}
	}
	busy.Wait()
	var failures []string
	var moved error
	for i := range tries {
		t := &tries[i]
		for k, outcome := range t.done {
			p.report(ctx, t.parts[k], outcome)
		}
		if rest = append(rest, t.parts[len(t.done):]...); t.failure == nil {
			continue
		}
		if text := t.failure.Error(); !slices.Contains(failures, text) {
			failures = append(failures, text)
		}
		if decide(t.failure) == restart {
			moved = t.failure
		}
	}
	// What another share did is committed, and told above.
	switch {
	case len(failures) == 0:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case moved != nil:
		return nil, restartError(moved)
	default:
		p.shared.alone = time.Now().Add(alonePause)
		p.Logger.Info(p.subject() + "tables are applied one after the other for a while: " + strings.Join(failures, "; "))
	}
	return rest, nil
}

// try is one try to apply the parts of a share.
type try struct {
	parts []*batch
	// done are the outcomes of the first parts, failure is why the next has none.
	done    []change.Outcome
	failure error
}

func (t *try) apply(ctx context.Context, applier Applier) {
	for _, part := range t.parts {
		part.LockTimeout = firstLockTimeout
		outcome, err := applier.Apply(ctx, &part.Batch)
		if err != nil {
			t.failure, part.failure = err, err
			return
		}
		t.done = append(t.done, outcome)
	}
}

// applyParts has parts of a batch applied, one after the other.
func (p *pipeline) applyParts(ctx context.Context, parts []*batch) error {
	for _, part := range parts {
		if err := p.applyPart(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// share cuts a batch into what is applied side by side, one for each applier. It is nil
// where that is not worth it, or where the batch tells something of a snapshot, which is
// stored when all of it is applied.
func (p *pipeline) share(b *batch) []*batch {
	n := len(p.Appliers)
	if n == 1 || len(b.Events) < 2*p.ShareEvents || b.marks.end || time.Now().Before(p.shared.alone) || len(p.news(b)) > 0 {
		return nil
	}
	groups := b.groups()
	if len(groups) == 1 {
		return nil
	}
	assigned := p.shared.sessions.assign(groups, n)
	return b.deal(n, func(topic string) int { return assigned[topic] })
}
