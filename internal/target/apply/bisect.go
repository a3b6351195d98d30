package apply

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/target/history"
	"metadb/internal/target/pgcode"
)

// applyChunk applies a chunk under a savepoint. If PostgreSQL refuses the chunk for its data, the
// chunk is bisected, in order, until the events at fault are found; these become rejected events.
// The chunk is bisected too if the rows that are to end are not the expected ones.
func (r *batchTx) applyChunk(ctx context.Context, t *tableState, c *history.Chunk) error {
	if c = r.rejectBlocked(c); len(c.Events) == 0 {
		return nil
	}
	before, outcome, children := *t, r.outcome, r.saveChildren()
	err := r.withSavepoint(ctx, func() error { return r.writeChunk(ctx, t, c) })
	var late *history.LateError
	if errors.As(err, &late) {
		*t, r.outcome = before, outcome
		r.restoreChildren(children)
		return r.applyLate(ctx, t, c, late)
	}
	var unpaired *unpairedError
	if errors.As(err, &unpaired) {
		*t, r.outcome = before, outcome
		r.restoreChildren(children)
		return r.rejectUnpaired(ctx, t, c, unpaired)
	}
	if err == nil {
		return nil
	}
	step := stepAfterFailure(len(c.Events) > 1, err, before.tableProfile)
	if step == giveUp || r.isForeignConstraint(err) {
		return err
	}
	// The savepoint is rolled back, so the state in memory is restored too.
	*t, r.outcome = before, outcome
	r.restoreChildren(children)
	t.tableProfile = tableProfile{}
	switch step {
	case rejectSingle:
		return r.rejectSingleEvent(ctx, t, c, err)
	case retryStaged:
		return r.applyChunk(ctx, t, c)
	}
	for _, half := range c.SplitHalves() {
		if err := r.applyChunk(ctx, t, half); err != nil {
			return err
		}
	}
	return nil
}

// failureStep is the next step after a failed attempt to apply a chunk.
type failureStep int

const (
	// giveUp returns the error: no event of the chunk is at fault.
	giveUp failureStep = iota
	// halveChunk bisects the chunk: some events are at fault or must be applied one by one.
	halveChunk
	// retryStaged applies the chunk with mergeStaged, which shows whether values are at fault.
	retryStaged
	// rejectSingle rejects the only event of the chunk, which is at fault.
	rejectSingle
)

// stepAfterFailure returns the step that follows an error of a chunk with one or several events.
// tried is the profile that selected the failed strategy.
func stepAfterFailure(several bool, err error, tried tableProfile) failureStep {
	var refused *pgconn.PgError
	isRefusal := errors.As(err, &refused)
	unsupported := isRefusal && refused.Code == pgcode.FeatureNotSupported
	switch {
	case several && (unsupported || errors.Is(err, ErrRowGone)):
		return halveChunk
	case unsupported && tried != tableProfile{}:
		return retryStaged
	case !isRefusal || !isValueError(err, refused):
		return giveUp
	case several:
		return halveChunk
	}
	return rejectSingle
}

// stageError is an error of filling a stage. A stage is a table of this package, so an unsupported
// feature is the fault of the values.
type stageError struct{ err error }

func (e *stageError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *stageError) Unwrap() error { return e.err }

// isValueError reports whether the values of an event are the cause of an error.
func isValueError(err error, refused *pgconn.PgError) bool {
	if refused.Code == pgcode.FeatureNotSupported {
		_, staged := errors.AsType[*stageError](err)
		return staged
	}
	return pgcode.IsDataError(refused.Code)
}

// rejectSingleEvent rejects the only event of the chunk, and confirms the current rows of its key
// if the event confirms.
func (r *batchTx) rejectSingleEvent(ctx context.Context, t *tableState, c *history.Chunk, cause error) error {
	e := &r.batch.Events[c.Events[0]]
	reason := cause.Error()
	if refused, ok := errors.AsType[*pgconn.PgError](cause); ok {
		reason = refused.Message
		if refused.Detail != "" {
			reason += " (" + refused.Detail + ")"
		}
	}
	r.outcome.Applied--
	r.outcome.ByOp[e.Op]--
	kept := r.rejectEvent(c.Events[0], change.RefusedValue, reason)
	if !e.Confirm || c.Truncate {
		return nil
	}
	var err error
	kept.Unconfirmed, err = r.confirmKeys(ctx, t, c, c.Events)
	return err
}
