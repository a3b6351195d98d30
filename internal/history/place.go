package history

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

// errNotLate says that nothing has happened to the key since the event: it becomes
// current like any other.
var errNotLate = errors.New("an event is the last of its key")

// placeOne gives a retried event its place in history under a savepoint, or sets
// it aside again.
func (r *run) placeOne(ctx context.Context, t *target, event int) error {
	single := *t
	single.events = []int{event}
	c := cut(&single, r.batch.Events)[0]
	if c = r.holdBack(c); len(c.events) == 0 {
		return nil
	}
	before, outcome, family := *t, r.outcome, r.saveFamily()
	err := r.savepoint(ctx, func() error { return r.place(ctx, t, c) })
	if errors.Is(err, errNotLate) {
		*t, r.outcome = before, outcome
		r.restoreFamily(family)
		return r.applyChunk(ctx, t, c)
	}
	var unpaired *unpairedError
	if errors.As(err, &unpaired) {
		*t, r.outcome = before, outcome
		r.restoreFamily(family)
		return r.applyUnpaired(ctx, t, c, unpaired)
	}
	var refused *pgconn.PgError
	if err == nil || !errors.As(err, &refused) || !isValue(err, refused) {
		return err
	}
	*t, r.outcome = before, outcome
	r.restoreFamily(family)
	return r.setAside(ctx, t, c, refused)
}

// place carries out what among says about the chunk's only event.
func (r *run) place(ctx context.Context, t *target, c *chunk) error {
	e := &r.batch.Events[c.events[0]]
	f := fold(c, r.batch.Events)
	st, err := r.fillStage(ctx, t, c, f)
	if err != nil {
		return &stageError{err}
	}
	line, err := r.spells(ctx, t, c, f, st)
	if err != nil {
		return err
	}
	if e.Suspect && repeated(line, e.Time, e.Op == change.Upsert) {
		t.noteFoundAmong(line, e)
		return nil
	}
	until := limit{later: r.overtakenAt(e), truncated: t.truncatedAt(e), shared: !t.truncatedBefore(e), ended: r.reinserting}
	p := among(line, e.Time, until, e.Op == change.Upsert)
	if f.items[0].unavailable != nil {
		if err := r.takeFrom(ctx, t, c, f, st, p.before); err != nil {
			return err
		}
		if line, err = r.spells(ctx, t, c, f, st); err != nil {
			return err
		}
		p = among(line, e.Time, until, e.Op == change.Upsert)
	}
	switch {
	case p.end == forever:
		return errNotLate
	case p.nothing:
		if p.before != nil && e.Op == change.Upsert {
			t.noteFound(e, p.before.id)
		}
		return nil
	}
	if err := r.carryOut(ctx, t, c, st, p); err != nil {
		return err
	}
	return r.placeTransformed(ctx, t, f, st, p)
}

// spells returns the versions of the key of a stage's only item, in their order.
func (r *run) spells(ctx context.Context, t *target, c *chunk, f *folded, st *stage) ([]spell, error) {
	var line []spell
	for nulls := range f.nulls {
		rows, err := r.tx.Query(ctx, "SELECT c.__id, c.ctid, c.__start, c.__end, c.__current, s.upsert AND "+sameImage(t.table)+
			" FROM "+st.SQL()+" s JOIN "+t.table.Main.SQL()+" c ON "+sameKey(t.table, c.key, nulls)+
			" WHERE s.head ORDER BY c.__start, c.__id")
		if err != nil {
			return nil, fmt.Errorf("find the versions of a key: %w", err)
		}
		var v spell
		var start, end time.Time
		_, err = pgx.ForEachRow(rows, []any{&v.id, &v.place, &start, &end, &v.current, &v.equal}, func() error {
			v.start, v.end = micros(start), micros(end)
			line = append(line, v)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("find the versions of a key: %w", err)
		}
	}
	return line, nil
}

// takeFrom fills in the unavailable values of a stage's only item: from the
// version before it, or, after a change of key, from that under the old one.
func (r *run) takeFrom(ctx context.Context, t *target, c *chunk, f *folded, st *stage, before *spell) error {
	if f.items[0].via != nil {
		return r.resolve(ctx, t, c, f, st)
	}
	if before == nil {
		if len(c.kept)+len(c.guessed) == 0 {
			r.warnLost(t)
		}
		return nil
	}
	columns := make([]int, len(f.items[0].unavailable))
	for i, at := range f.items[0].unavailable {
		columns[i] = c.fields[at].column
	}
	value := func(column int) string { return c.filledValue(column, "c."+t.table.Columns[column].Stored.SQL()) }
	_, err := r.tx.Exec(ctx, st.updateSQL("s", columns, value, t.table.Main.SQL()+" AS c", "s.head AND c.__id = $1"), before.id)
	if err != nil {
		return fmt.Errorf("find unavailable values: %w", err)
	}
	return nil
}

// carryOut writes what a placement says.
func (r *run) carryOut(ctx context.Context, t *target, c *chunk, st *stage, p placing) error {
	e := &r.batch.Events[c.events[0]]
	years := []int{year(p.start)}
	if p.rest {
		years = append(years, year(p.end))
	}
	if p.before != nil {
		years = append(years, year(p.before.start))
	}
	if err := r.ensureYears(ctx, t, years); err != nil {
		return err
	}
	// What lasted past the event's own end is written once more, before it
	// moves: it begins anew then.
	if p.rest {
		if err := r.resume(ctx, t, e, p); err != nil {
			return err
		}
	}
	if p.cut {
		if err := r.shorten(ctx, t, p); err != nil {
			return err
		}
	}
	switch {
	case p.merge != nil:
		return r.beginEarlier(ctx, t, e, p)
	case p.write:
		ids, err := r.newIDs(ctx, t.table, 1)
		if err != nil {
			return err
		}
		var past placement
		past.add(1, version{item: 0, start: p.start, end: p.end}, ids[0])
		if err := r.insertStaged(ctx, t.table, t.table.History, st, false, &past); err != nil {
			return err
		}
		t.notePosition(e, ids[0], false)
		r.outcome.Written++
		r.ended(t, 1, p.end)
	}
	return nil
}

// resume writes the version before the event again, as what is there from the
// event's end on.
func (r *run) resume(ctx context.Context, t *target, e *change.Event, p placing) error {
	ids, err := r.newIDs(ctx, t.table, 1)
	if err != nil {
		return err
	}
	into := t.table.History
	if p.before.current {
		into = t.table.Current
		// The key can be there once only.
		if err := r.writeEndings(ctx, t, []ending{{id: p.before.id, place: p.before.place, start: p.before.start, end: p.start}}); err != nil {
			return err
		}
	}
	_, err = r.tx.Exec(ctx, "INSERT INTO "+into.SQL()+" ("+metaColumns()+storedColumns(t.table, "")+")"+
		" SELECT $2, $3, $4, $5, __origin"+storedColumns(t.table, "")+" FROM "+t.table.Main.SQL()+" WHERE __id = $1",
		p.before.id, ids[0], moment(p.end), moment(p.before.end), p.before.current)
	if err != nil {
		return fmt.Errorf("resume a version: %w", err)
	}
	r.outcome.Written++
	if err := r.carryPositions(ctx, t, e, p, ids[0]); err != nil {
		return err
	}
	return r.confirmAs(ctx, t.table, p.before.id, ids[0])
}

// carryPositions notes for the version that an event's end resumes what the version before the
// event has found from there on: changes that come later still take their places by it, and
// truncates leave alone what was inserted again.
func (r *run) carryPositions(ctx context.Context, t *target, e *change.Event, p placing, id int64) error {
	found, err := r.positionsOf(ctx, t, []int64{p.before.id}, p.end)
	if err != nil {
		return err
	}
	var carried []rowPosition
	for _, position := range found[p.before.id] {
		if position.at < p.end || !position.follows(e) {
			continue
		}
		position.id = id
		carried = append(carried, position)
		if position.at == p.end && position.again {
			position.again = false // it makes the version as well
			carried = append(carried, position)
		}
	}
	if later, late := r.later[e.Position]; late && later.lsn != 0 {
		maker := rowPosition{id: id, lsn: later.lsn, at: later.at}
		if !slices.Contains(carried, maker) {
			carried = append(carried, maker)
		}
	}
	t.positions = append(t.positions, carried...)
	return nil
}

// beginEarlier makes the version after an event, which has its values, begin with the event. What
// began that version has found it then: a truncate that lies between them and is still to
// come ends the row and has it inserted again.
func (r *run) beginEarlier(ctx context.Context, t *target, e *change.Event, p placing) error {
	_, err := r.tx.Exec(ctx, "UPDATE "+t.table.Main.SQL()+" SET "+ident.Start.SQL()+" = $2 WHERE __id = $1", p.merge.id, moment(p.start))
	if err != nil {
		return fmt.Errorf("begin a version earlier: %w", err)
	}
	found, err := r.positionsOf(ctx, t, []int64{p.merge.id}, p.merge.start)
	if err != nil {
		return err
	}
	var maker *rowPosition
	for i := range found[p.merge.id] {
		position := &found[p.merge.id][i]
		if position.at == p.merge.start && position.follows(e) && (maker == nil || position.lsn < maker.lsn) {
			maker = position
		}
	}
	if maker != nil {
		t.positions = append(t.positions, rowPosition{id: p.merge.id, lsn: maker.lsn, at: maker.at, again: true})
	}
	t.notePosition(e, p.merge.id, false)
	return nil
}

// shorten ends the version before the event where the event begins.
func (r *run) shorten(ctx context.Context, t *target, p placing) error {
	switch {
	case !p.before.current:
		_, err := r.tx.Exec(ctx, "UPDATE "+t.table.History.SQL()+" SET "+ident.End.SQL()+" = $2 WHERE __id = $1", p.before.id, moment(p.start))
		if err != nil {
			return fmt.Errorf("end a version earlier: %w", err)
		}
		return nil
	case p.rest:
		return nil // resume has moved it
	}
	return r.writeEndings(ctx, t, []ending{{id: p.before.id, place: p.before.place, start: p.before.start, end: p.start}})
}
