package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/ident"
)

// uniqueViolation is the SQLSTATE of a key that is there already.
const uniqueViolation = "23505"

// suitsInsertNew reports whether a chunk may be copied straight into the current table:
// nothing but rows with a key each of its own, complete and of the stored types,
// in a table whose keys have all been new lately. No row's time may lie in the
// table's past, where its start could have to give way or it be a repetition.
func (t *tableState) suitsInsertNew(c *chunk, f *foldedChunk) bool {
	if !t.keysNew || !t.table.UniqueKey || !c.unconverted || f.severalPerKey || f.precedesTruncate || c.shape == nil {
		return false
	}
	for i := range f.changes {
		it := &f.changes[i]
		if !it.upsert || it.repeated || it.mayHaveMoved || it.unavailable != nil || t.table.LastEnd != 0 && (it.suspect || it.at <= t.table.LastEnd) {
			return false
		}
	}
	return true
}

// insertNew copies the rows of a chunk into the current table. It reports
// false, with nothing changed, if a key was there already: the unique index
// says so.
func (r *batchTx) insertNew(ctx context.Context, t *tableState, f *foldedChunk) (bool, error) {
	d := &decision{}
	for i := range f.changes {
		d.versions = append(d.versions, newVersion{change: i, start: f.changes[i].at, end: maxTime})
	}
	if err := r.ensureYears(ctx, t, d.yearsNeeded()); err != nil {
		return false, err
	}
	ids, err := r.drawIDs(ctx, t.table, len(f.changes))
	if err != nil {
		return false, err
	}
	ids = orderIDs(ids, f, d)
	// PostgreSQL takes the rows in while their documents are transformed.
	update, err := r.prepareUpdate(ctx, t, f, rowEffects(f, d, ids))
	if err != nil {
		return false, err
	}
	compared := func() {}
	if update != nil {
		if err := update.loadStored(ctx); err != nil {
			return false, err
		}
		compared = runInBackground(func() { update.addDocuments(); update.compareDocuments() })
	}
	err = pgx.BeginFunc(ctx, r.tx, func(pgx.Tx) error {
		return r.copyVersions(ctx, t, f, d.versions, ids)
	})
	compared()
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == uniqueViolation {
		r.layouts = nil // which have been told of rows that were not written
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r.outcome.Written += len(f.changes)
	var confirmed []confirmedRow
	for i := range f.changes {
		if f.changes[i].confirm {
			confirmed = append(confirmed, confirmedRow{ids[i], f.changes[i].event})
		}
	}
	if err := r.writeConfirmed(ctx, t.table, confirmed); err != nil {
		return false, fmt.Errorf("confirm new rows: %w", err)
	}
	r.noteDecisionPositions(t, f, d, ids)
	if update == nil {
		return true, nil
	}
	return true, update.finishPieces(ctx)
}

// runInBackground does work that needs no connection beside statements that need no
// processor here. The function that it returns waits for it.
func runInBackground(work func()) (wait func()) {
	done := make(chan struct{})
	go func() { defer close(done); work() }()
	return func() { <-done }
}

// copyVersions copies new versions to where they belong: the current table, or
// history. Their rows must be complete and of the stored types.
func (r *batchTx) copyVersions(ctx context.Context, t *tableState, f *foldedChunk, versions []newVersion, ids []int64) error {
	var current, past []int
	var starts timeSpan
	for i, v := range versions {
		if v.end == maxTime {
			current = append(current, i)
			continue
		}
		past = append(past, i)
		starts.extend(v.start)
	}
	copied := func(into ident.Qualified, which []int) error {
		stream := newCopyStream(len(which), func(dst []byte, n int) []byte { return r.appendVersion(dst, f, versions[which[n]], ids[which[n]]) })
		return copyFrom(ctx, r.tx, versionCopySQL(into, t, f.chunk), stream)
	}
	if len(current) > 0 {
		if err := copied(t.table.Current, current); err != nil {
			return err
		}
	}
	if len(past) == 0 {
		return nil
	}
	return copied(historyRelation(t.table, starts), past)
}

// appendVersion appends a version as a row of a COPY.
func (r *batchTx) appendVersion(dst []byte, f *foldedChunk, v newVersion, id int64) []byte {
	it := &f.changes[v.change]
	dst = appendFieldCount(dst, len(ident.Metadata())+len(f.chunk.fields))
	dst = appendInt64(dst, id)
	dst = appendTimestamptz(dst, v.start)
	dst = appendTimestamptz(dst, v.end)
	dst = appendBool(dst, v.end == maxTime)
	dst = appendText(dst, string(r.batch.Events[it.event].Origin))
	return append(dst, it.row...)
}

// minCopiedVersions is the number of rows from which on it pays to send the rows of new
// versions again, for a COPY, instead of inserting them from the stage one by one.
const minCopiedVersions = 100

// canCopyVersions reports whether all versions of a decision are current and have rows
// that can be copied as they came. Documents are not sent twice: what PostgreSQL
// takes to parse them again is more than COPY saves.
func (f *foldedChunk) canCopyVersions(d *decision) bool {
	if len(d.versions) < minCopiedVersions || !f.chunk.unconverted {
		return false
	}
	for _, fd := range f.chunk.fields {
		if fd.typePath[0] == change.JSONB {
			return false
		}
	}
	for _, v := range d.versions {
		if v.end != maxTime || f.changes[v.change].unavailable != nil {
			return false
		}
	}
	return true
}

// versionCopySQL returns the COPY into a relation of the table, with the columns that the
// chunk brings; others stay NULL.
func versionCopySQL(into ident.Qualified, t *tableState, c *chunk) string {
	sql := "COPY " + into.SQL() + " (" + metaColumns()
	for _, fd := range c.fields {
		sql += ", " + t.table.Columns[fd.column].Stored.SQL()
	}
	return sql + ")"
}

// applyTruncate ends every current row of the origin. A truncate that may be a
// repetition leaves alone what began with it or later: the rows before it have
// ended then, and those after it have not been repeated yet.
func (r *batchTx) applyTruncate(ctx context.Context, t *tableState, e *change.Event) error {
	if e.Suspect && t.hasTruncation(e) {
		return nil
	}
	if e.LSN != 0 {
		t.addTruncation(truncation{e.Position.Partition, e.Origin, e.LSN, e.Time})
	}
	where := " WHERE __origin = $1"
	args := []any{string(e.Origin), timestamptz(e.Time)}
	var late overtakenTruncate
	switch {
	case e.Overtaken:
		var err error
		if late, err = r.findOvertakenRows(ctx, t, e); err != nil {
			return err
		}
		if err := r.endOvertakenVersions(ctx, t, e, late.beforeIDs); err != nil {
			return err
		}
		where += " AND (__start < $2 OR __id = ANY ($3))"
		args = append(args, late.beforeIDs)
	case e.Suspect:
		where += " AND __start < $2"
	}
	if err := r.endCurrentRows(ctx, t, e, where, args); err != nil {
		return err
	}
	return r.reinsertRows(ctx, t, e, late.reinsertedRows)
}

// endCurrentRows ends the current rows that a condition holds for, and what was made of
// them, with a truncate.
func (r *batchTx) endCurrentRows(ctx context.Context, t *tableState, e *change.Event, where string, args []any) error {
	var years []int
	err := r.tx.QueryRow(ctx, "SELECT coalesce(array_agg(DISTINCT extract(year FROM __start)::int), '{}') FROM "+
		t.table.Current.SQL()+where+" AND $2::timestamptz IS NOT NULL", args...).Scan(&years)
	if err != nil {
		return fmt.Errorf("truncate: %w", err)
	}
	if len(years) == 0 {
		return nil
	}
	if err := r.ensureYears(ctx, t, years); err != nil {
		return err
	}
	sql := "WITH gone (" + goneColumns(t.table) + ") AS (DELETE FROM " + t.table.Current.SQL() + where +
		" RETURNING 0, __id, __start, greatest($2::timestamptz, __start), __origin" + storedColumns(t.table, "") + ")" +
		", moved AS (" + moveToHistorySQL(t.table) + " RETURNING __end) SELECT count(*), max(__end) FROM moved"
	if err := r.execEndRows(ctx, t, sql, args...); err != nil {
		return err
	}
	return r.endOrphans(ctx, t, e.Origin, e.Time)
}
