package history

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
)

// applyChunk applies a chunk under a savepoint. Where PostgreSQL refuses it for
// its data, it is halved, in order, until the events are found that are to
// blame; those are set aside.
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
	var refused *pgconn.PgError
	if err == nil || !errors.As(err, &refused) || !isData(refused.Code) {
		return err
	}
	// What the attempt did is undone, and so must be what it noted.
	*t, r.outcome = before, outcome
	r.restoreFamily(family)
	t.habit = habit{}
	if len(c.events) == 1 {
		return r.setAside(ctx, t, c, refused)
	}
	for _, half := range c.halves() {
		if err := r.applyChunk(ctx, t, half); err != nil {
			return err
		}
	}
	return nil
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
func (r *run) setAside(ctx context.Context, t *target, c *chunk, refused *pgconn.PgError) error {
	e := &r.batch.Events[c.events[0]]
	reason := refused.Message
	if refused.Detail != "" {
		reason += " (" + refused.Detail + ")"
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
