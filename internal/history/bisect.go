package history

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
)

// applyChunk applies a chunk under a savepoint. Where PostgreSQL refuses it for
// its data, it is halved, in order, until the events are found that are to
// blame; those are set aside.
func (r *run) applyChunk(ctx context.Context, t *target, c *chunk) error {
	before, outcome := *t, r.outcome
	err := pgx.BeginFunc(ctx, r.tx, func(pgx.Tx) error { return r.writeChunk(ctx, t, c) })
	var refused *pgconn.PgError
	if err == nil || !errors.As(err, &refused) || !isData(refused.Code) {
		return err
	}
	// What the attempt did is undone, and so must be what it noted.
	*t, r.outcome = before, outcome
	t.allNew = false
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

// setAside rejects the chunk's only event. In a resynchronization the row is
// still there at the source: what is current of its key is confirmed.
func (r *run) setAside(ctx context.Context, t *target, c *chunk, refused *pgconn.PgError) error {
	e := &r.batch.Events[c.events[0]]
	reason := refused.Message
	if refused.Detail != "" {
		reason += " (" + refused.Detail + ")"
	}
	r.outcome.Applied--
	kept := r.reject(e, reason)
	if !e.Confirm || c.truncate {
		return nil
	}
	err := pgx.BeginFunc(ctx, r.tx, func(pgx.Tx) error { return r.confirmKey(ctx, t, c, e) })
	if err != nil && errors.As(err, &refused) && isData(refused.Code) {
		kept.unconfirmed = true // not even the key can be stored
		return nil
	}
	return err
}

// confirmKey confirms the current version of the event's key.
func (r *run) confirmKey(ctx context.Context, t *target, c *chunk, e *change.Event) error {
	key := make(change.Row, 0, len(e.Row))
	for _, at := range e.Shape.Key {
		key = change.AppendCell(key, e.Row.Cell(at))
	}
	only := &chunk{events: c.events, key: c.key, keyColumns: c.keyColumns}
	only.setFields(t, only.keyColumns, c.events[0])
	f := &folded{items: []item{{event: c.events[0], head: true, row: key, at: e.Time, confirm: true}}}
	st, err := r.fillStage(ctx, t, only, f)
	if err != nil {
		return fmt.Errorf("confirm a rejected event's key: %w", err)
	}
	m := &matches{current: make(map[int][]matched)}
	for nulls := range f.patterns(only) {
		if err := r.matchCurrent(ctx, t.table, only.key, nulls, st, m); err != nil {
			return err
		}
	}
	var ids []int64
	for _, row := range m.current[0] {
		ids = append(ids, row.id)
	}
	return r.writeConfirmed(ctx, t.table, ids)
}
