package maintenance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/dbsession"
)

// pruneInterval is the time between two deletions of old lines.
const pruneInterval = 6 * time.Hour

// PruneLog returns the job that deletes old lines of metadb.log.
func PruneLog(d *Database) Job {
	return Job{Name: "prune_log", Every: pruneInterval, Run: once(d.pruneLog)}
}

// pruneLog deletes the lines of metadb.log that are older than log_retention. It does nothing if
// that is not set.
func (d *Database) pruneLog(ctx context.Context) error {
	var retention string
	err := d.Pool.QueryRow(ctx, "SELECT value FROM metadb.config WHERE parameter = 'log_retention'").Scan(&retention)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && retention == "" {
		return nil
	}
	if err == nil {
		_, err = d.Pool.Exec(ctx, "DELETE FROM metadb.log WHERE log_time < now() - $1::interval", retention)
	}
	if err != nil {
		return fmt.Errorf("delete old lines of metadb.log: %w", dbsession.PoolError(d.Config, err))
	}
	return nil
}
