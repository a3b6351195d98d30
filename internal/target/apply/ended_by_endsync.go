package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// endsync ends the rows that the snapshot did not confirm. A producer may write rows of that
// snapshot afterwards, for a partition of which it had a backlog. Such a row was read at the
// source, so it is current again from the time of endsync on: that end is no event of the source,
// and does not show that the row was applied before.

// lastEndsync is the last endsync that ended rows of a table, and the attempt of the snapshot that
// counted then.
type lastEndsync struct {
	endedAt time.Time
	attempt change.Attempt
}

// follows reports whether a row of a snapshot was read by the attempt that counted for an endsync,
// or by a later one.
func (l *lastEndsync) follows(e *change.Event) bool {
	of := change.AttemptOf(e)
	return of.IsSame(l.attempt) || of.IsAfter(l.attempt)
}

// StoreLastEndsync stores the last endsync that ended rows of a table.
func StoreLastEndsync(ctx context.Context, db Execer, s Snapshot, endedAt time.Time, attempt change.Attempt) error {
	_, err := db.Exec(ctx, `
INSERT INTO metadb.last_endsync (source_name, schema_name, table_name, ended_at, attempt_lsn, attempt_tx, attempt_time)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (source_name, schema_name, table_name) DO UPDATE
SET ended_at = excluded.ended_at, attempt_lsn = excluded.attempt_lsn, attempt_tx = excluded.attempt_tx, attempt_time = excluded.attempt_time`,
		s.Source, s.Table.Schema, s.Table.Name, endedAt, int64(attempt.LSN), attempt.Tx, attempt.Time.UTC())
	if err != nil {
		return fmt.Errorf("store the time at which rows of table %s ended: %w", s.Table, err)
	}
	return nil
}

// loadLastEndsync returns the last endsync that ended rows of a table, or nil.
func (r *batchTx) loadLastEndsync(ctx context.Context, name change.Table) (*lastEndsync, error) {
	last := &lastEndsync{}
	var lsn int64
	var at time.Time
	err := r.tx.QueryRow(ctx, `
SELECT ended_at, attempt_lsn, attempt_tx, attempt_time FROM metadb.last_endsync WHERE source_name = $1 AND schema_name = $2 AND table_name = $3`,
		r.batch.Source, name.Schema, name.Name).Scan(&last.endedAt, &lsn, &last.attempt.Tx, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read when rows of table %s ended: %w", name, err)
	}
	last.attempt.LSN, last.attempt.Time = uint64(lsn), pgbinary.MicrosOf(at)
	return last, nil
}

// findEndedByEndsync finds the rows of snapshots that endsync has ended before they were written,
// and removes their marks from suspects. The last version of their keys ended with endsync, and no
// delete of the key follows them.
func (r *batchTx) findEndedByEndsync(ctx context.Context, t *tableState, match sqlgen.KeyMatch, f *history.FoldedChunk, suspects []bool, m *history.Matches) error {
	rows, last, err := r.selectRowsAfterEndsync(ctx, t, f, suspects)
	if err != nil || rows == nil {
		return err
	}
	ords, err := r.queryOrds(ctx, match.LastEndedAt(), rows, last.endedAt)
	if err != nil {
		return fmt.Errorf("look for rows that endsync has ended: %w", err)
	}
	for ord := range ords {
		e := &r.batch.Events[f.Changes[ord].Event]
		deletes, err := r.readPositions(ctx, t, e.Time, "u.id = $4 AND u.at > $3", history.KeyPositionID(e))
		if err != nil {
			return err
		}
		if len(deletes) == 0 {
			m.MarkEndedByEndsync(ord)
			if suspects != nil {
				suspects[ord] = false
			}
		}
	}
	return nil
}

// selectRowsAfterEndsync returns marks of the suspects, or of all retried changes, that are rows of
// the snapshot that counted for the last endsync of the table or of a later one; nil if there are
// no such changes.
func (r *batchTx) selectRowsAfterEndsync(ctx context.Context, t *tableState, f *history.FoldedChunk, suspects []bool) (rows []bool, last *lastEndsync, err error) {
	if suspects == nil && r.retried == nil {
		return nil, nil, nil
	}
	for i := range f.Changes {
		it := &f.Changes[i]
		e := &r.batch.Events[it.Event]
		if e.Snapshot == change.Streamed || e.Snapshot == change.Incremental || it.TruncatedAt != 0 || r.retried == nil && !suspects[i] {
			continue
		}
		if last == nil {
			if last, err = r.loadLastEndsync(ctx, t.table.Name); err != nil || last == nil {
				return nil, nil, err
			}
		}
		if last.follows(e) {
			rows = history.SetMark(rows, i, len(f.Changes))
		}
	}
	return rows, last, nil
}
