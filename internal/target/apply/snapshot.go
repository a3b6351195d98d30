package apply

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
)

// Snapshot identifies an expected snapshot: that of a table, or that of the whole data source if
// Table is empty.
type Snapshot struct {
	Source string
	Table  change.Table
}

// Execer is the interface that StoreSnapshot needs: a transaction, a connection or a pool.
type Execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// StoreSnapshot stores the progress of a snapshot in metadb.resync, unless its synchronization has
// been ended or begun again meanwhile.
func StoreSnapshot(ctx context.Context, db Execer, s Snapshot, news change.SnapshotProgress) error {
	const again = `
UPDATE metadb.resync SET complete = coalesce(complete, nullif($4, '')), notified = notified OR $5,
       before_lsn = greatest(before_lsn, $6), before_time = greatest(before_time, $7),
       initial_begun = greatest(initial_begun, $8), incremental_begun = greatest(incremental_begun, $9)
 WHERE source_name = $1 AND schema_name = $2 AND table_name = $3 AND started_at = $10`
	// An initial synchronization has no row before the first progress, nor has a synchronization
	// that an earlier version of Metadb began.
	const initial = `
INSERT INTO metadb.resync AS r (source_name, schema_name, table_name, complete, notified)
SELECT name, $2, $3, nullif($4, ''), $5 FROM metadb.source WHERE name = $1 AND sync <> 0 AND $3 = ''
ON CONFLICT (source_name, schema_name, table_name) DO UPDATE
SET complete = coalesce(r.complete, excluded.complete), notified = r.notified OR excluded.notified`
	sql, args := initial, []any{s.Source, s.Table.Schema, s.Table.Name, news.Complete, news.Notified}
	if !news.Since.IsZero() {
		sql, args = again, append(args, int64(news.PreviousSnapshot.LSN), news.PreviousSnapshot.Time.UTC(), news.StartedAt.Initial.UTC(), news.StartedAt.Incremental.UTC(), news.Since)
	}
	tag, err := db.Exec(ctx, sql, args...)
	if err == nil && news.AttemptsChanged && tag.RowsAffected() > 0 {
		err = storeAttempts(ctx, db, s, news)
	}
	if err != nil {
		return fmt.Errorf("remember what is known of the snapshot: %w", err)
	}
	return nil
}

// storeAttempts stores the state of a snapshot's attempts. With a new attempt the stored completion
// of an earlier one is replaced.
func storeAttempts(ctx context.Context, db Execer, s Snapshot, news change.SnapshotProgress) error {
	const sql = `
UPDATE metadb.resync SET attempt_lsn = $4, attempt_tx = $5, attempt_time = $6, attempt_first = $7, attempt_last = $8,
       attempt_doubled = $9, attempt_overtaken = $10,
       given_up_time = CASE WHEN $11 AND attempt_time > 'epoch' THEN attempt_time ELSE given_up_time END,
       complete = CASE WHEN $11 THEN nullif($12, '') ELSE complete END, notified = CASE WHEN $11 THEN $13 ELSE notified END
 WHERE source_name = $1 AND schema_name = $2 AND table_name = $3`
	a := &news.Attempts
	_, err := db.Exec(ctx, sql, s.Source, s.Table.Schema, s.Table.Name, int64(a.Current.LSN), a.Current.Tx, a.Current.Time.UTC(),
		a.First, a.Last, a.Ambiguous, a.Overtaken, news.NewAttempt, news.Complete, news.Notified)
	return err
}
