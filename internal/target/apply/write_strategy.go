package apply

import (
	"context"
	"fmt"
	"time"

	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// writeChunk applies a truncate, or a chunk by one of the four strategies. The caller has a
// savepoint around it.
func (r *batchTx) writeChunk(ctx context.Context, t *tableState, c *history.Chunk) error {
	if c.Truncate {
		return r.applyTruncate(ctx, t, &r.batch.Events[c.Events[0]])
	}
	f := history.Fold(c, r.batch.Events)
	t.truncations.MarkPreceding(f, r.batch.Events)
	if f.ValuesLost {
		r.warnLostValues(t)
	}
	r.warnNulledInChain(t, f)
	if t.suitsInsertNew(c, f) {
		done, err := r.insertNew(ctx, t, f)
		if done || err != nil {
			return err
		}
		t.keysNew = false
	}
	if r.suitsReplaceRows(t, c, f) {
		done, err := r.tryReplaceRows(ctx, t, f)
		if done || err != nil {
			return err
		}
	}
	rest, tried := f, r.suitsConfirmUnchanged(t, c, f)
	if tried {
		var err error
		if rest, err = r.confirmUnchanged(ctx, t, f); err != nil || len(rest.Changes) == 0 {
			return err
		}
	}
	d, err := r.mergeStaged(ctx, t, rest)
	if err != nil {
		return err
	}
	recognized := len(f.Changes) - len(rest.Changes)
	t.encodingDiffers = t.encodingDiffers || tried && d.UnchangedChains*exceptionRatio > len(f.Changes)
	t.observeChunk(len(d.Versions), d.MatchedChains+recognized, d.UnchangedChains+recognized)
	return nil
}

// mergeStaged applies a chunk by a stage, and returns the decision.
func (r *batchTx) mergeStaged(ctx context.Context, t *tableState, f *history.FoldedChunk) (*history.Decision, error) {
	c := f.Chunk
	st, err := r.fillStage(ctx, t, c, f)
	if err != nil {
		return nil, &stageError{err}
	}
	if err := r.loadUnavailable(ctx, t, c, f, st); err != nil {
		return nil, err
	}
	m, err := r.loadMatches(ctx, t, c, f, st)
	if err != nil {
		return nil, err
	}
	if r.retried != nil {
		if err := m.FindLate(f); err != nil {
			return nil, err
		}
	}
	if err := r.findSuperseded(f, m); err != nil {
		return nil, err
	}
	if f.PrecedesTruncate {
		if err := m.FindPrecedingTruncate(f); err != nil {
			return nil, err
		}
	}
	d := history.Decide(f, m)
	t.severalCurrent = t.severalCurrent || d.SeveralMatched > 0
	return d, r.applyDecision(ctx, t, f, st, d)
}

// warnLostValues adds the warning that an unavailable value had no version before it.
func (r *batchTx) warnLostValues(t *tableState) {
	line := fmt.Sprintf("table %s: values that the source did not send (unchanged TOAST) had no earlier version, and are NULL", t.table.Name)
	for _, said := range r.outcome.Warnings {
		if said == line {
			return
		}
	}
	r.outcome.Warnings = append(r.outcome.Warnings, line)
}

// execEndRows runs a statement that ends versions and returns their number and their last end.
func (r *batchTx) execEndRows(ctx context.Context, t *tableState, sql string, args ...any) error {
	var n int
	var last *time.Time
	if err := r.tx.QueryRow(ctx, sql, args...).Scan(&n, &last); err != nil {
		return fmt.Errorf("end rows: %w", err)
	}
	if n > 0 {
		r.noteEnded(t, n, pgbinary.MicrosOf(*last))
	}
	return nil
}
