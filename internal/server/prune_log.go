package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/dbsession"
)

// pruneLog deletes the lines of metadb.log that are older than log_retention. It does nothing if
// that is not set.
func (s *supervisor) pruneLog(ctx context.Context) error {
	var retention string
	err := s.pool.QueryRow(ctx, "SELECT value FROM metadb.config WHERE parameter = 'log_retention'").Scan(&retention)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && retention == "" {
		return nil
	}
	if err == nil {
		_, err = s.pool.Exec(ctx, "DELETE FROM metadb.log WHERE log_time < now() - $1::interval", retention)
	}
	if err != nil {
		return fmt.Errorf("delete old lines of metadb.log: %w", dbsession.PoolError(s.config, err))
	}
	return nil
}
