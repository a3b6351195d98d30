package history

import (
	"context"
	"fmt"
	"time"
)

// writeChunk applies a chunk by one of the four ways. The caller has a savepoint
// around it.
func (r *run) writeChunk(ctx context.Context, t *target, c *chunk) error {
	if c.truncate {
		return r.applyTruncate(ctx, t, &r.batch.Events[c.events[0]])
	}
	f := fold(c, r.batch.Events)
	t.markTruncated(f, r.batch.Events)
	if f.lost {
		r.warnLost(t)
	}
	r.warnNulledInChain(t, f)
	if t.direct(c, f) {
		done, err := r.applyDirect(ctx, t, f)
		if done || err != nil {
			return err
		}
		t.allNew = false
	}
	if r.exchangeable(t, c, f) {
		done, err := r.applyExchange(ctx, t, f)
		if done || err != nil {
			return err
		}
	}
	rest, tried := f, r.recognizable(t, c, f)
	if tried {
		var err error
		if rest, err = r.recognize(ctx, t, f); err != nil || len(rest.items) == 0 {
			return err
		}
	}
	d, err := r.applyStaged(ctx, t, rest)
	if err != nil {
		return err
	}
	recognized := len(f.items) - len(rest.items)
	t.disguised = t.disguised || tried && d.same*fewSame > len(f.items)
	t.learn(len(d.versions), d.matched+recognized, d.same+recognized)
	return nil
}

// applyStaged applies a chunk by way of a stage, and returns what it has decided.
func (r *run) applyStaged(ctx context.Context, t *target, f *folded) (*decision, error) {
	c := f.chunk
	st, err := r.fillStage(ctx, t, c, f)
	if err != nil {
		return nil, &stageError{err}
	}
	if err := r.resolve(ctx, t, c, f, st); err != nil {
		return nil, err
	}
	m, err := r.match(ctx, t, c, f, st)
	if err != nil {
		return nil, err
	}
	if r.retried != nil {
		if err := m.late(f); err != nil {
			return nil, err
		}
	}
	if err := r.overtakenItems(f, m); err != nil {
		return nil, err
	}
	if f.truncated {
		if err := m.precedingTruncate(f); err != nil {
			return nil, err
		}
	}
	d := decide(f, m)
	t.severalMatched = t.severalMatched || d.several > 0
	return d, r.write(ctx, t, f, st, d)
}

// warnLost notes that an unavailable value had no version before it.
func (r *run) warnLost(t *target) {
	line := fmt.Sprintf("table %s: values that the source did not send (unchanged TOAST) had no earlier version, and are NULL", t.table.Name)
	for _, said := range r.outcome.Warnings {
		if said == line {
			return
		}
	}
	r.outcome.Warnings = append(r.outcome.Warnings, line)
}

// countEnded runs a statement that ends versions and answers how many, and the
// last of their ends.
func (r *run) countEnded(ctx context.Context, t *target, sql string, args ...any) error {
	var n int
	var last *time.Time
	if err := r.tx.QueryRow(ctx, sql, args...).Scan(&n, &last); err != nil {
		return fmt.Errorf("end rows: %w", err)
	}
	if n > 0 {
		r.ended(t, n, micros(*last))
	}
	return nil
}
