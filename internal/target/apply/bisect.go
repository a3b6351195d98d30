package apply

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
)

// applyChunk applies a chunk under a savepoint. Where PostgreSQL refuses it for
// its data, it is halved, in order, until the events are found that are to
// blame; those are set aside. It is halved as well where rows that are to end are
// not there as often as expected.
func (r *batchTx) applyChunk(ctx context.Context, t *tableState, c *chunk) error {
	if c = r.rejectBlocked(c); len(c.events) == 0 {
		return nil
	}
	before, outcome, children := *t, r.outcome, r.saveChildren()
	err := r.withSavepoint(ctx, func() error { return r.writeChunk(ctx, t, c) })
	var late *lateError
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
	step := c.stepAfterFailure(err, before.tableProfile)
	if step == giveUp || r.isForeignConstraint(err) {
		return err
	}
	// What the attempt did is undone, and so must be what it noted.
	*t, r.outcome = before, outcome
	r.restoreChildren(children)
	t.tableProfile = tableProfile{}
	switch step {
	case rejectSingle:
		return r.rejectSingleEvent(ctx, t, c, err)
	case retryStaged:
		return r.applyChunk(ctx, t, c)
	}
	for _, half := range c.splitHalves() {
		if err := r.applyChunk(ctx, t, half); err != nil {
			return err
		}
	}
	return nil
}

// failureStep is what follows a chunk that PostgreSQL has not taken.
type failureStep int

const (
	// giveUp: no event of it is to blame.
	giveUp failureStep = iota
	// halveChunk: some of its events are to blame, or have to be applied one by one.
	halveChunk
	// retryStaged: a stage tells whether the event's values are to blame.
	retryStaged
	// rejectSingle: its only event is to blame.
	rejectSingle
)

// stepAfterFailure decides what follows an error, after a strategy that the profile chose.
func (c *chunk) stepAfterFailure(err error, tried tableProfile) failureStep {
	var refused *pgconn.PgError
	isRefusal := errors.As(err, &refused)
	unsupported := isRefusal && refused.Code == featureNotSupported
	several := len(c.events) > 1
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

// featureNotSupported is the SQLSTATE of a statement that PostgreSQL can't carry
// out, and of a \u escape in JSON that the database's encoding has no character for.
const featureNotSupported = "0A000"

// stageError is an error of filling a stage: a table of this package's own, so that
// the values are to blame for what PostgreSQL does not support.
type stageError struct{ err error }

func (e *stageError) Error() string { return e.err.Error() }

// Unwrap returns what went wrong.
func (e *stageError) Unwrap() error { return e.err }

// isValueError reports whether an event's values are to blame for an error.
func isValueError(err error, refused *pgconn.PgError) bool {
	if refused.Code == featureNotSupported {
		_, staged := errors.AsType[*stageError](err)
		return staged
	}
	return isDataError(refused.Code)
}

// isDataError reports whether an SQLSTATE is about the data of a statement: class 22
// data exception, 23 integrity constraint violation, 54 program limit exceeded.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func isDataError(code string) bool {
	switch code[:2] {
	case "22", "23", "54":
		return true
	}
	return false
}

// splitHalves returns the chunk as two.
func (c *chunk) splitHalves() [2]*chunk {
	middle := len(c.events) / 2
	first, second := *c, *c
	first.events, second.events = c.events[:middle], c.events[middle:]
	return [2]*chunk{&first, &second}
}

// rejectSingleEvent rejects the chunk's only event.
func (r *batchTx) rejectSingleEvent(ctx context.Context, t *tableState, c *chunk, cause error) error {
	e := &r.batch.Events[c.events[0]]
	reason := cause.Error()
	if refused, ok := errors.AsType[*pgconn.PgError](cause); ok {
		reason = refused.Message
		if refused.Detail != "" {
			reason += " (" + refused.Detail + ")"
		}
	}
	r.outcome.Applied--
	r.outcome.ByOp[e.Op]--
	kept := r.rejectEvent(c.events[0], change.RefusedValue, reason)
	if !e.Confirm || c.truncate {
		return nil
	}
	var err error
	kept.unconfirmed, err = r.confirmKeys(ctx, t, c, c.events)
	return err
}
