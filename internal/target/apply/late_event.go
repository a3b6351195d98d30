package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/change"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// errNotLate is returned for an event that no event of its key follows: it becomes current like any
// other.
var errNotLate = errors.New("an event is the last of its key")

// insertOneLate inserts a retried or late event into history under a savepoint, or rejects it.
func (r *batchTx) insertOneLate(ctx context.Context, t *tableState, event int) error {
	c := history.SplitChunks(t.target(), []int{event}, r.batch.Events)[0]
	if c = r.rejectBlocked(c); len(c.Events) == 0 {
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

// insertLate executes the placement of the chunk's only event (history.DecideLatePlacement).
func (r *batchTx) insertLate(ctx context.Context, t *tableState, c *history.Chunk) error {
	e := &r.batch.Events[c.Events[0]]
	f := history.Fold(c, r.batch.Events)
	st, err := r.fillStage(ctx, t, c, f)
	if err != nil {
		return &stageError{err}
	}
	versions, err := r.loadIntervals(ctx, t, c, f, st)
	if err != nil {
		return err
	}
	if e.Suspect && history.IsRepetition(versions, e.Time, e.Op == change.Upsert) {
		t.positions.NoteFoundVersions(versions, e)
		return nil
	}
	until := history.ValidityLimit{SupersededAt: r.supersededAt(e), TruncatedAt: t.truncations.TimeAfter(e), EndsWithTruncate: !t.truncations.HasBefore(e), RowEnded: r.reinserting}
	p := history.DecideLatePlacement(versions, e.Time, until, e.Op == change.Upsert)
	if f.Changes[0].Unavailable != nil {
		if err := r.fillFromVersion(ctx, t, c, f, st, p.PrecedingVersion); err != nil {
			return err
		}
		if versions, err = r.loadIntervals(ctx, t, c, f, st); err != nil {
			return err
		}
		p = history.DecideLatePlacement(versions, e.Time, until, e.Op == change.Upsert)
	}
	switch {
	case p.End == history.MaxTime:
		return errNotLate
	case p.NoEffect:
		if p.PrecedingVersion != nil && e.Op == change.Upsert {
			t.positions.NoteFound(e, p.PrecedingVersion.ID)
		}
		return nil
	}
	if err := r.applyPlacement(ctx, t, c, st, p); err != nil {
		return err
	}
	return r.insertLateTransformed(ctx, t, f, st, p)
}

// loadIntervals returns the versions of the key of a stage's only change, in order of time.
func (r *batchTx) loadIntervals(ctx context.Context, t *tableState, c *history.Chunk, f *history.FoldedChunk, st *sqlgen.Stage) ([]history.VersionInterval, error) {
	var versions []history.VersionInterval
	for nulls := range f.NullPatterns {
		rows, err := r.tx.Query(ctx, sqlgen.KeyMatch{Table: t.table, Stage: st, Key: c.KeyIndexes, Nulls: nulls}.Intervals())
		if err != nil {
			return nil, fmt.Errorf("find the versions of a key: %w", err)
		}
		var v history.VersionInterval
		var place pgtype.TID
		var start, end time.Time
		_, err = pgx.ForEachRow(rows, []any{&v.ID, &place, &start, &end, &v.Current, &v.SameValues}, func() error {
			v.Start, v.End = pgbinary.MicrosOf(start), pgbinary.MicrosOf(end)
			v.CTID = history.CTID{Block: place.BlockNumber, Offset: place.OffsetNumber}
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
func (r *batchTx) fillFromVersion(ctx context.Context, t *tableState, c *history.Chunk, f *history.FoldedChunk, st *sqlgen.Stage, before *history.VersionInterval) error {
	if f.Changes[0].OldKeySource != nil {
		return r.loadUnavailable(ctx, t, c, f, st)
	}
	if before == nil {
		if len(c.KeptFields)+len(c.AssumedUnchanged) == 0 {
			r.warnLostValues(t)
		}
		return nil
	}
	columns := make([]int, len(f.Changes[0].Unavailable))
	for i, at := range f.Changes[0].Unavailable {
		columns[i] = c.Fields[at].Column
	}
	_, err := r.tx.Exec(ctx, sqlgen.FillFromVersion(t.table, st, columns, c.AssumedUnchanged), before.ID)
	if err != nil {
		return fmt.Errorf("find unavailable values: %w", err)
	}
	return nil
}

// applyPlacement writes the versions of a late placement.
func (r *batchTx) applyPlacement(ctx context.Context, t *tableState, c *history.Chunk, st *sqlgen.Stage, p history.LatePlacement) error {
	e := &r.batch.Events[c.Events[0]]
	years := []int{history.YearOf(p.Start)}
	if p.ResumePreceding {
		years = append(years, history.YearOf(p.End))
	}
	if p.PrecedingVersion != nil {
		years = append(years, history.YearOf(p.PrecedingVersion.Start))
	}
	if err := r.ensureYears(ctx, t, years); err != nil {
		return err
	}
	// A version that lasts beyond the end of the event is written again before it moves: the copy
	// begins at that end.
	if p.ResumePreceding {
		if err := r.resumeVersion(ctx, t, e, p); err != nil {
			return err
		}
	}
	if p.ShortenPreceding {
		if err := r.shortenVersion(ctx, t, p); err != nil {
			return err
		}
	}
	switch {
	case p.MergeInto != nil:
		return r.beginEarlier(ctx, t, e, p)
	case p.WriteVersion:
		ids, err := r.drawIDs(ctx, t.table, 1)
		if err != nil {
			return err
		}
		var past stagedVersions
		past.addVersion(1, history.BegunVersion{Change: 0, Start: p.Start, End: p.End}, ids[0])
		if err := r.insertStaged(ctx, t.table, t.table.History, st, false, &past); err != nil {
			return err
		}
		t.positions.Note(e, ids[0], false)
		r.outcome.Written++
		r.noteEnded(t, 1, p.End)
	}
	return nil
}

// resumeVersion writes the version before the event again, from the end of the event on.
func (r *batchTx) resumeVersion(ctx context.Context, t *tableState, e *change.Event, p history.LatePlacement) error {
	ids, err := r.drawIDs(ctx, t.table, 1)
	if err != nil {
		return err
	}
	into := t.table.History
	if p.PrecedingVersion.Current {
		into = t.table.Current
		// The unique index allows a key only once, so the current version ends first.
		if err := r.endVersions(ctx, t, []history.EndedVersion{{ID: p.PrecedingVersion.ID, CTID: p.PrecedingVersion.CTID, Start: p.PrecedingVersion.Start, End: p.Start}}); err != nil {
			return err
		}
	}
	_, err = r.tx.Exec(ctx, sqlgen.ResumeVersion(t.table, into),
		p.PrecedingVersion.ID, ids[0], p.End.UTC(), p.PrecedingVersion.End.UTC(), p.PrecedingVersion.Current)
	if err != nil {
		return fmt.Errorf("resume a version: %w", err)
	}
	r.outcome.Written++
	if err := r.carryPositions(ctx, t, e, p, ids[0]); err != nil {
		return err
	}
	return r.copyConfirmation(ctx, t.table, p.PrecedingVersion.ID, ids[0])
}

// carryPositions copies the positions from p.end on of the version before the event to the version
// id that resumes it, and adds the position of the change that superseded the event. Later events
// are placed by these positions, and truncates leave rows that were inserted again.
func (r *batchTx) carryPositions(ctx context.Context, t *tableState, e *change.Event, p history.LatePlacement, id int64) error {
	found, err := r.loadPositionsOf(ctx, t, []int64{p.PrecedingVersion.ID}, p.End)
	if err != nil {
		return err
	}
	var carried []history.RowPosition
	for _, position := range found[p.PrecedingVersion.ID] {
		if position.At < p.End || !position.IsAfter(e) {
			continue
		}
		position.ID = id
		carried = append(carried, position)
		if position.At == p.End && position.Reinserts {
			position.Reinserts = false // it also begins the version
			carried = append(carried, position)
		}
	}
	if later, late := r.supersededBy[e.Position]; late && later.LSN != 0 {
		maker := history.RowPosition{ID: id, LSN: later.LSN, At: later.At}
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
func (r *batchTx) beginEarlier(ctx context.Context, t *tableState, e *change.Event, p history.LatePlacement) error {
	_, err := r.tx.Exec(ctx, sqlgen.BeginEarlier(t.table), p.MergeInto.ID, p.Start.UTC())
	if err != nil {
		return fmt.Errorf("begin a version earlier: %w", err)
	}
	found, err := r.loadPositionsOf(ctx, t, []int64{p.MergeInto.ID}, p.MergeInto.Start)
	if err != nil {
		return err
	}
	var maker *history.RowPosition
	for i := range found[p.MergeInto.ID] {
		position := &found[p.MergeInto.ID][i]
		if position.At == p.MergeInto.Start && position.IsAfter(e) && (maker == nil || position.LSN < maker.LSN) {
			maker = position
		}
	}
	if maker != nil {
		t.positions = append(t.positions, history.RowPosition{ID: p.MergeInto.ID, LSN: maker.LSN, At: maker.At, Reinserts: true})
	}
	t.positions.Note(e, p.MergeInto.ID, false)
	return nil
}

// shortenVersion ends the version before the event at the start of the event.
func (r *batchTx) shortenVersion(ctx context.Context, t *tableState, p history.LatePlacement) error {
	switch {
	case !p.PrecedingVersion.Current:
		_, err := r.tx.Exec(ctx, sqlgen.EndEarlier(t.table), p.PrecedingVersion.ID, p.Start.UTC())
		if err != nil {
			return fmt.Errorf("end a version earlier: %w", err)
		}
		return nil
	case p.ResumePreceding:
		return nil // resumeVersion has moved it
	}
	return r.endVersions(ctx, t, []history.EndedVersion{{ID: p.PrecedingVersion.ID, CTID: p.PrecedingVersion.CTID, Start: p.PrecedingVersion.Start, End: p.Start}})
}
