package apply

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
	"metadb/internal/target/pgcode"
)

// suitsInsertNew reports whether a chunk can be copied straight into the current table: upserts of
// distinct keys, complete and in the stored types, in a table with a profile of new keys only. Each
// must be later than the last end of a version of the table: an earlier one might be a repetition,
// or its start might have to move.
func (t *tableState) suitsInsertNew(c *history.Chunk, f *history.FoldedChunk) bool {
	if !t.keysNew || !t.table.UniqueKey || !c.Unconverted || f.SeveralPerKey || f.PrecedesTruncate || c.Shape == nil {
		return false
	}
	for i := range f.Changes {
		it := &f.Changes[i]
		if !it.Upsert || it.Repeated || it.MayHaveMoved || it.Unavailable != nil || t.table.LastEnd != 0 && (it.Suspect || it.At <= t.table.LastEnd) {
			return false
		}
	}
	return true
}

// insertNew copies the rows of a chunk into the current table. It returns false, without any row
// written, if the unique index finds a key that exists already.
func (r *batchTx) insertNew(ctx context.Context, t *tableState, f *history.FoldedChunk) (bool, error) {
	d := &history.Decision{}
	for i := range f.Changes {
		d.Versions = append(d.Versions, history.BegunVersion{Change: i, Start: f.Changes[i].At, End: history.MaxTime})
	}
	if err := r.ensureYears(ctx, t, d.YearsNeeded()); err != nil {
		return false, err
	}
	ids, err := r.drawIDs(ctx, t.table, len(f.Changes))
	if err != nil {
		return false, err
	}
	ids = history.OrderIDs(ids, f, d)
	// The documents are transformed while PostgreSQL writes the rows.
	update, err := r.prepareUpdate(ctx, t, f, history.RowEffects(f, d, ids))
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
		return r.copyVersions(ctx, t, f, d.Versions, ids)
	})
	compared()
	if pgcode.IsUniqueViolation(err) {
		r.layouts = nil // they contain rows that were not written
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r.outcome.Written += len(f.Changes)
	var confirmed []history.ConfirmedRow
	for i := range f.Changes {
		if f.Changes[i].Confirm {
			confirmed = append(confirmed, history.ConfirmedRow{ID: ids[i], Event: f.Changes[i].Event})
		}
	}
	if err := r.writeConfirmed(ctx, t.table, confirmed); err != nil {
		return false, fmt.Errorf("confirm new rows: %w", err)
	}
	t.positions.NoteDecision(r.batch.Events, f, d, ids)
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
func (r *batchTx) copyVersions(ctx context.Context, t *tableState, f *history.FoldedChunk, versions []history.BegunVersion, ids []int64) error {
	var current, past []int
	var starts history.TimeSpan
	for i, v := range versions {
		if v.End == history.MaxTime {
			current = append(current, i)
			continue
		}
		past = append(past, i)
		starts.Extend(v.Start)
	}
	copied := func(into ident.Qualified, which []int) error {
		stream := pgbinary.NewCopyStream(len(which), func(dst []byte, n int) []byte { return r.appendVersion(dst, f, versions[which[n]], ids[which[n]]) })
		return pgbinary.CopyFrom(ctx, r.tx, sqlgen.CopyVersions(into, t.table, f.Chunk.Fields), stream)
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
func (r *batchTx) appendVersion(dst []byte, f *history.FoldedChunk, v history.BegunVersion, id int64) []byte {
	it := &f.Changes[v.Change]
	dst = pgbinary.AppendFieldCount(dst, len(ident.Metadata())+len(f.Chunk.Fields))
	dst = pgbinary.AppendInt64(dst, id)
	dst = pgbinary.AppendTimestamptz(dst, v.Start)
	dst = pgbinary.AppendTimestamptz(dst, v.End)
	dst = pgbinary.AppendBool(dst, v.End == history.MaxTime)
	dst = pgbinary.AppendText(dst, string(r.batch.Events[it.Event].Origin))
	return append(dst, it.Row...)
}

// applyTruncate ends the current rows of the event's origin. A suspect truncate that is stored as
// applied changes nothing; another one leaves the rows that began at its time or later: if it is a
// repetition, the rows before it have ended, and the later changes have not been repeated yet. If
// changes that follow the truncate may have been applied before it, positions decide which rows
// end, and rows that were inserted again are written once more.
func (r *batchTx) applyTruncate(ctx context.Context, t *tableState, e *change.Event) error {
	if e.Suspect && t.truncations.HasApplied(e) {
		return nil
	}
	if e.LSN != 0 {
		t.addTruncation(history.Truncation{Partition: e.Position.Partition, Origin: e.Origin, LSN: e.LSN, At: e.Time})
	}
	where := "c.__origin = $1"
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
		where += " AND (c.__start < $2 OR c.__id = ANY ($3))"
		args = append(args, late.beforeIDs)
	case e.Suspect:
		where += " AND c.__start < $2"
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
	err := r.tx.QueryRow(ctx, sqlgen.TruncatedYears(t.table, where), args...).Scan(&years)
	if err != nil {
		return fmt.Errorf("truncate: %w", err)
	}
	if len(years) == 0 {
		return nil
	}
	if err := r.ensureYears(ctx, t, years); err != nil {
		return err
	}
	if err := r.execEndRows(ctx, t, sqlgen.EndRows(t.table, "", where, "$2::timestamptz"), args...); err != nil {
		return err
	}
	return r.endOrphans(ctx, t, e.Origin, e.Time)
}
