package history

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
func (r *run) applyChunk(ctx context.Context, t *target, c *chunk) error {
	if c = r.holdBack(c); len(c.events) == 0 {
		return nil
	}
	before, outcome, family := *t, r.outcome, r.saveFamily()
	err := r.savepoint(ctx, func() error { return r.writeChunk(ctx, t, c) })
	var late *lateError
	if errors.As(err, &late) {
		*t, r.outcome = before, outcome
		r.restoreFamily(family)
		return r.applyLate(ctx, t, c, late)
	}
	var unpaired *unpairedError
	if errors.As(err, &unpaired) {
		*t, r.outcome = before, outcome
		r.restoreFamily(family)
		return r.applyUnpaired(ctx, t, c, unpaired)
	}
	if err == nil {
		return nil
	}
	step := c.afterFailure(err, before.habit)
	if step == giveUp || r.isForeign(err) {
		return err
	}
	// What the attempt did is undone, and so must be what it noted.
	*t, r.outcome = before, outcome
	r.restoreFamily(family)
	t.habit = habit{}
	switch step {
	case rejectIt:
		return r.setAside(ctx, t, c, err)
	case stageIt:
		return r.applyChunk(ctx, t, c)
	}
	for _, half := range c.halves() {
		if err := r.applyChunk(ctx, t, half); err != nil {
			return err
		}
	}
	return nil
}

// afterwards is what follows a chunk that PostgreSQL has not taken.
type afterwards int

const (
	// giveUp: no event of it is to blame.
	giveUp afterwards = iota
	// halve: some of its events are to blame, or have to be applied one by one.
	halve
	// stageIt: a stage tells whether the event's values are to blame.
	stageIt
	// rejectIt: its only event is to blame.
	rejectIt
)

// afterFailure decides what follows an error, after a way that the habit chose.
func (c *chunk) afterFailure(err error, tried habit) afterwards {
	var refused *pgconn.PgError
	isRefusal := errors.As(err, &refused)
	unsupported := isRefusal && refused.Code == featureNotSupported
	several := len(c.events) > 1
	switch {
	case several && (unsupported || errors.Is(err, ErrRowGone)):
		return halve
	case unsupported && tried != habit{}:
		return stageIt
	case !isRefusal || !isValue(err, refused):
		return giveUp
	case several:
		return halve
	}
	return rejectIt
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

// isValue reports whether an event's values are to blame for an error.
func isValue(err error, refused *pgconn.PgError) bool {
	if refused.Code == featureNotSupported {
		_, staged := errors.AsType[*stageError](err)
		return staged
	}
	return isData(refused.Code)
}

// isData reports whether an SQLSTATE is about the data of a statement: class 22
// data exception, 23 integrity constraint violation, 54 program limit exceeded.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func isData(code string) bool {
	switch code[:2] {
	case "22", "23", "54":
		return true
	}
	return false
}

// halves returns the chunk as two.
func (c *chunk) halves() [2]*chunk {
	middle := len(c.events) / 2
	first, second := *c, *c
	first.events, second.events = c.events[:middle], c.events[middle:]
	return [2]*chunk{&first, &second}
}

// setAside rejects the chunk's only event.
func (r *run) setAside(ctx context.Context, t *target, c *chunk, cause error) error {
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
	kept := r.reject(c.events[0], change.RefusedValue, reason)
	if !e.Confirm || c.truncate {
		return nil
	}
	var err error
	kept.unconfirmed, err = r.confirmKeys(ctx, t, c, c.events)
	return err
}
