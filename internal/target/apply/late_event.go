package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/ident"
)

// errNotLate is returned for an event that no event of its key follows: it becomes current like any
// other.
var errNotLate = errors.New("an event is the last of its key")

// insertOneLate inserts a retried or late event into history under a savepoint, or rejects it.
func (r *batchTx) insertOneLate(ctx context.Context, t *tableState, event int) error {
	single := *t
	single.events = []int{event}
	c := splitChunks(&single, r.batch.Events)[0]
	if c = r.rejectBlocked(c); len(c.events) == 0 {
		return nil
	}
	before, outcome, children := *t, r.outcome, r.saveChildren()
	err := r.withSavepoint(ctx, func() error { return r.insertLate(ctx, t, c) })
	if errors.Is(err, errNotLate) {
		*t, r.outcome = before, outcome
		r.restoreChildren(children)
		return r.applyChunk(ctx, t, c)
	}
	var unpaired *unpairedError
	if errors.As(err, &unpaired) {
		*t, r.outcome = before, outcome
		r.restoreChildren(children)
		return r.rejectUnpaired(ctx, t, c, unpaired)
	}
	var refused *pgconn.PgError
	if err == nil || !errors.As(err, &refused) || !isValueError(err, refused) {
		return err
	}
	*t, r.outcome = before, outcome
	r.restoreChildren(children)
	return r.rejectSingleEvent(ctx, t, c, refused)
}

// insertLate executes the placement of the chunk's only event (decideLatePlacement).
func (r *batchTx) insertLate(ctx context.Context, t *tableState, c *chunk) error {
	e := &r.batch.Events[c.events[0]]
	f := fold(c, r.batch.Events)
	st, err := r.fillStage(ctx, t, c, f)
	if err != nil {
		return &stageError{err}
	}
	versions, err := r.loadIntervals(ctx, t, c, f, st)
	if err != nil {
		return err
	}
	if e.Suspect && isRepetition(versions, e.Time, e.Op == change.Upsert) {
		t.noteFoundVersions(versions, e)
		return nil
	}
	until := validityLimit{supersededAt: r.supersededAt(e), truncatedAt: t.truncateTimeAfter(e), endsWithTruncate: !t.hasTruncateBefore(e), rowEnded: r.reinserting}
	p := decideLatePlacement(versions, e.Time, until, e.Op == change.Upsert)
	if f.changes[0].unavailable != nil {
		if err := r.fillFromVersion(ctx, t, c, f, st, p.precedingVersion); err != nil {
			return err
		}
		if versions, err = r.loadIntervals(ctx, t, c, f, st); err != nil {
			return err
		}
		p = decideLatePlacement(versions, e.Time, until, e.Op == change.Upsert)
	}
	switch {
	case p.end == maxTime:
		return errNotLate
	case p.noEffect:
		if p.precedingVersion != nil && e.Op == change.Upsert {
			t.noteFound(e, p.precedingVersion.id)
		}
		return nil
	}
	if err := r.applyPlacement(ctx, t, c, st, p); err != nil {
		return err
	}
	return r.insertLateTransformed(ctx, t, f, st, p)
}

// loadIntervals returns the versions of the key of a stage's only change, in order of time.
func (r *batchTx) loadIntervals(ctx context.Context, t *tableState, c *chunk, f *foldedChunk, st *stage) ([]versionInterval, error) {
	var versions []versionInterval
	for nulls := range f.nullPatterns {
		rows, err := r.tx.Query(ctx, "SELECT c.__id, c.ctid, c.__start, c.__end, c.__current, s.upsert AND "+sameImageSQL(t.table)+
			" FROM "+st.SQL()+" s JOIN "+t.table.Main.SQL()+" c ON "+sameKeySQL(t.table, c.keyIndexes, nulls)+
			" WHERE s.head ORDER BY c.__start, c.__id")
		if err != nil {
			return nil, fmt.Errorf("find the versions of a key: %w", err)
		}
		var v versionInterval
		var start, end time.Time
		_, err = pgx.ForEachRow(rows, []any{&v.id, &v.ctid, &start, &end, &v.current, &v.sameValues}, func() error {
			v.start, v.end = microsOf(start), microsOf(end)
			versions = append(versions, v)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("find the versions of a key: %w", err)
		}
	}
	return versions, nil
}

// fillFromVersion fills in the unavailable values of a stage's only change, from the version before
// it or, after a change of key, from the last one of the old key.
func (r *batchTx) fillFromVersion(ctx context.Context, t *tableState, c *chunk, f *foldedChunk, st *stage, before *versionInterval) error {
	if f.changes[0].oldKeySource != nil {
		return r.loadUnavailable(ctx, t, c, f, st)
	}
	if before == nil {
		if len(c.keptFields)+len(c.assumedUnchanged) == 0 {
			r.warnLostValues(t)
		}
		return nil
	}
	columns := make([]int, len(f.changes[0].unavailable))
	for i, at := range f.changes[0].unavailable {
		columns[i] = c.fields[at].column
	}
	value := func(column int) string { return c.filledValue(column, "c."+t.table.Columns[column].Stored.SQL()) }
	_, err := r.tx.Exec(ctx, st.updateSQL("s", columns, value, t.table.Main.SQL()+" AS c", "s.head AND c.__id = $1"), before.id)
	if err != nil {
		return fmt.Errorf("find unavailable values: %w", err)
	}
	return nil
}

// applyPlacement writes the versions of a late placement.
func (r *batchTx) applyPlacement(ctx context.Context, t *tableState, c *chunk, st *stage, p latePlacement) error {
	e := &r.batch.Events[c.events[0]]
	years := []int{yearOf(p.start)}
	if p.resumePreceding {
		years = append(years, yearOf(p.end))
	}
	if p.precedingVersion != nil {
		years = append(years, yearOf(p.precedingVersion.start))
	}
	if err := r.ensureYears(ctx, t, years); err != nil {
		return err
	}
	// A version that lasts beyond the end of the event is written again before it moves: the copy
	// begins at that end.
	if p.resumePreceding {
		if err := r.resumeVersion(ctx, t, e, p); err != nil {
			return err
		}
	}
	if p.shortenPreceding {
		if err := r.shortenVersion(ctx, t, p); err != nil {
			return err
		}
	}
	switch {
	case p.mergeInto != nil:
		return r.beginEarlier(ctx, t, e, p)
	case p.writeVersion:
		ids, err := r.drawIDs(ctx, t.table, 1)
		if err != nil {
			return err
		}
		var past stagedVersions
		past.addVersion(1, newVersion{change: 0, start: p.start, end: p.end}, ids[0])
		if err := r.insertStaged(ctx, t.table, t.table.History, st, false, &past); err != nil {
			return err
		}
		t.notePosition(e, ids[0], false)
		r.outcome.Written++
		r.noteEnded(t, 1, p.end)
	}
	return nil
}

// resumeVersion writes the version before the event again, from the end of the event on.
func (r *batchTx) resumeVersion(ctx context.Context, t *tableState, e *change.Event, p latePlacement) error {
	ids, err := r.drawIDs(ctx, t.table, 1)
	if err != nil {
		return err
	}
	into := t.table.History
	if p.precedingVersion.current {
		into = t.table.Current
		// The unique index allows a key only once, so the current version ends first.
		if err := r.endVersions(ctx, t, []endedVersion{{id: p.precedingVersion.id, ctid: p.precedingVersion.ctid, start: p.precedingVersion.start, end: p.start}}); err != nil {
			return err
		}
	}
	_, err = r.tx.Exec(ctx, "INSERT INTO "+into.SQL()+" ("+metaColumns()+storedColumns(t.table, "")+")"+
		" SELECT $2, $3, $4, $5, __origin"+storedColumns(t.table, "")+" FROM "+t.table.Main.SQL()+" WHERE __id = $1",
		p.precedingVersion.id, ids[0], p.end.UTC(), p.precedingVersion.end.UTC(), p.precedingVersion.current)
	if err != nil {
		return fmt.Errorf("resume a version: %w", err)
	}
	r.outcome.Written++
	if err := r.carryPositions(ctx, t, e, p, ids[0]); err != nil {
		return err
	}
	return r.copyConfirmation(ctx, t.table, p.precedingVersion.id, ids[0])
}

// carryPositions copies the positions from p.end on of the version before the event to the version
// id that resumes it, and adds the position of the change that superseded the event. Later events
// are placed by these positions, and truncates leave rows that were inserted again.
func (r *batchTx) carryPositions(ctx context.Context, t *tableState, e *change.Event, p latePlacement, id int64) error {
	found, err := r.loadPositionsOf(ctx, t, []int64{p.precedingVersion.id}, p.end)
	if err != nil {
		return err
	}
	var carried []rowPosition
	for _, position := range found[p.precedingVersion.id] {
		if position.at < p.end || !position.isAfter(e) {
			continue
		}
		position.id = id
		carried = append(carried, position)
		if position.at == p.end && position.reinserts {
			position.reinserts = false // it also begins the version
			carried = append(carried, position)
		}
	}
	if later, late := r.supersededBy[e.Position]; late && later.lsn != 0 {
		maker := rowPosition{id: id, lsn: later.lsn, at: later.at}
		if !slices.Contains(carried, maker) {
			carried = append(carried, maker)
		}
	}
	t.positions = append(t.positions, carried...)
	return nil
}

// beginEarlier moves the start of the version after an event, which has the same values, to the
// event. The change that began that version is recorded as a reinsertion: a truncate between the
// two that is still to come ends the row, and the row is inserted again.
func (r *batchTx) beginEarlier(ctx context.Context, t *tableState, e *change.Event, p latePlacement) error {
	_, err := r.tx.Exec(ctx, "UPDATE "+t.table.Main.SQL()+" SET "+ident.Start.SQL()+" = $2 WHERE __id = $1", p.mergeInto.id, p.start.UTC())
	if err != nil {
		return fmt.Errorf("begin a version earlier: %w", err)
	}
	found, err := r.loadPositionsOf(ctx, t, []int64{p.mergeInto.id}, p.mergeInto.start)
	if err != nil {
		return err
	}
	var maker *rowPosition
	for i := range found[p.mergeInto.id] {
		position := &found[p.mergeInto.id][i]
		if position.at == p.mergeInto.start && position.isAfter(e) && (maker == nil || position.lsn < maker.lsn) {
			maker = position
		}
	}
	if maker != nil {
		t.positions = append(t.positions, rowPosition{id: p.mergeInto.id, lsn: maker.lsn, at: maker.at, reinserts: true})
	}
	t.notePosition(e, p.mergeInto.id, false)
	return nil
}

// shortenVersion ends the version before the event at the start of the event.
func (r *batchTx) shortenVersion(ctx context.Context, t *tableState, p latePlacement) error {
	switch {
	case !p.precedingVersion.current:
		_, err := r.tx.Exec(ctx, "UPDATE "+t.table.History.SQL()+" SET "+ident.End.SQL()+" = $2 WHERE __id = $1", p.precedingVersion.id, p.start.UTC())
		if err != nil {
			return fmt.Errorf("end a version earlier: %w", err)
		}
		return nil
	case p.resumePreceding:
		return nil // resumeVersion has moved it
	}
	return r.endVersions(ctx, t, []endedVersion{{id: p.precedingVersion.id, ctid: p.precedingVersion.ctid, start: p.precedingVersion.start, end: p.start}})
}
