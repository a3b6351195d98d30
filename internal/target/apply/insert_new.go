package apply

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/ident"
	"metadb/internal/target/pgcode"
)

// suitsInsertNew reports whether a chunk can be copied straight into the current table: upserts of
// distinct keys, complete and in the stored types, in a table with a profile of new keys only. Each
// must be later than the last end of a version of the table: an earlier one might be a repetition,
// or its start might have to move.
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

// insertNew copies the rows of a chunk into the current table. It returns false, without any row
// written, if the unique index finds a key that exists already.
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
	// The documents are transformed while PostgreSQL writes the rows.
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
	if pgcode.IsUniqueViolation(err) {
		r.layouts = nil // they contain rows that were not written
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

// runInBackground runs work that needs no connection, while the caller waits for statements. The
// returned function waits for the work.
func runInBackground(work func()) (wait func()) {
	done := make(chan struct{})
	go func() { defer close(done); work() }()
	return func() { <-done }
}

// copyVersions copies new versions to the current table or to history. Their rows must be complete
// and in the stored types.
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

// minCopiedVersions is the number of rows from which on a COPY of new versions, for which the rows
// are sent again, is faster than an INSERT from the stage.
const minCopiedVersions = 100

// canCopyVersions reports whether all versions of a decision are current, with rows that can be
// copied unchanged. Documents are not sent twice: parsing them again costs PostgreSQL more than
// COPY saves.
func (f *foldedChunk) canCopyVersions(d *decision) bool {
	if len(d.versions) < minCopiedVersions || !f.chunk.unconverted {
		return false
	}
	for _, fd := range f.chunk.fields {
		if datatype.InfoOf(fd.typePath[0]).Document == datatype.ParsedDocument {
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

// versionCopySQL returns the COPY into a relation of the table, with the columns of the chunk.
// Other columns stay NULL.
func versionCopySQL(into ident.Qualified, t *tableState, c *chunk) string {
	sql := "COPY " + into.SQL() + " (" + metaColumns()
	for _, fd := range c.fields {
		sql += ", " + t.table.Columns[fd.column].Stored.SQL()
	}
	return sql + ")"
}

// applyTruncate ends the current rows of the event's origin. A suspect truncate that is stored as
// applied changes nothing; another one leaves the rows that began at its time or later: if it is a
// repetition, the rows before it have ended, and the later changes have not been repeated yet. If
// changes that follow the truncate may have been applied before it, positions decide which rows
// end, and rows that were inserted again are written once more.
func (r *batchTx) applyTruncate(ctx context.Context, t *tableState, e *change.Event) error {
	if e.Suspect && t.hasTruncation(e) {
		return nil
	}
	if e.LSN != 0 {
		t.addTruncation(truncation{e.Position.Partition, e.Origin, e.LSN, e.Time})
	}
	where := " WHERE __origin = $1"
	args := []any{string(e.Origin), e.Time.UTC()}
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

// endCurrentRows ends the current rows with the condition where, and their transformed rows, by a
// truncate.
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
