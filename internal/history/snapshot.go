package history

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
)

// Snapshot names one that is expected: of a table, or of the whole data source
// where Table is empty.
type Snapshot struct {
	Source string
	Table  change.Table
}

// Execer is a transaction, a connection or a pool.
type Execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// StoreSnapshot stores news of a snapshot in metadb.resync, unless the
// synchronization that it is about has been ended or begun anew meanwhile.
func StoreSnapshot(ctx context.Context, db Execer, s Snapshot, news change.SnapshotNews) error {
	const again = `
UPDATE metadb.resync SET complete = coalesce(complete, nullif($4, '')), seen = seen OR $5, notified = notified OR $6,
       before_lsn = greatest(before_lsn, $7), before_time = greatest(before_time, $8)
 WHERE source_name = $1 AND schema_name = $2 AND table_name = $3 AND started_at = $9`
	// An initial synchronization has no row before there is news, nor has one
	// that an earlier version of Metadb began.
	const initial = `
INSERT INTO metadb.resync AS r (source_name, schema_name, table_name, complete, seen, notified)
SELECT name, $2, $3, nullif($4, ''), $5, $6 FROM metadb.source WHERE name = $1 AND sync <> 0 AND $3 = ''
ON CONFLICT (source_name, schema_name, table_name) DO UPDATE
SET complete = coalesce(r.complete, excluded.complete), seen = r.seen OR excluded.seen, notified = r.notified OR excluded.notified`
	sql, args := initial, []any{s.Source, s.Table.Schema, s.Table.Name, news.Complete, news.Seen, news.Notified}
	if !news.Since.IsZero() {
		sql, args = again, append(args, int64(news.Before.LSN), time.UnixMicro(int64(news.Before.Time)).UTC(), news.Since)
	}
	if _, err := db.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("remember what is known of the snapshot: %w", err)
	}
	return nil
}
