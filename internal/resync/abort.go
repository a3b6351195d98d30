package resync

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNotInResync says that there is no resynchronization to be given up.
var ErrNotInResync = errors.New(`"abort sync" can only be used after "sync"`)

// AbortOptions are those of [Abort].
type AbortOptions struct {
	Target
	// LockTimeout is how long a lock is waited for at a time; 0 for 5 seconds.
	LockTimeout time.Duration
	// Server is the running server, nil if there is none.
	Server *RunningServer
}

// Abort leaves a resynchronization without ending anything. What an interrupted
// endsync has ended stays ended. An initial synchronization can't be given up:
// the error is [ErrNotInResync], also where there is none.
func Abort(ctx context.Context, db *pgx.Conn, o AbortOptions) error {
	s, err := loadState(ctx, db, o.Target, o.Server)
	if err != nil {
		return err
	}
	if s.mode != Resync {
		return ErrNotInResync
	}
	return s.finishSync(ctx, db, o.LockTimeout, nil)
}

// supersedeRejected notes that what was rejected before the snapshot is not current any
// more, if the unconfirmed rows have ended.
func (s *syncState) supersedeRejected(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `
UPDATE metadb.rejected_event e SET later = r.endsync_time FROM metadb.resync r
 WHERE e.source_name = $1 AND e.later IS NULL AND e.rejected_time < r.started_at
   AND r.source_name = $1 AND r.schema_name = $2 AND r.table_name = $3 AND r.endsync_time IS NOT NULL
   AND ($3 = '' OR e.schema_name = $2 AND e.table_name = $3)`, s.keyArgs()...)
	return err
}

// finishSync sets the mode to normal, forgets the synchronization and makes the
// derived tables due, unless a check, if there is one, fails.
func (s *syncState) finishSync(ctx context.Context, db *pgx.Conn, lockTimeout time.Duration, check func(context.Context, Querier) error) error {
	return s.server.exclusively(func() error {
		err := retryTransaction(ctx, db, lockTimeout, "end the synchronization", syncTables(s.tables), func(tx pgx.Tx) error {
			if check != nil {
				if err := check(ctx, tx); err != nil {
					return err
				}
			}
			if err := emptySyncTables(ctx, tx, s.tables); err != nil {
				return err
			}
			if err := s.supersedeRejected(ctx, tx); err != nil {
				return err
			}
			if err := s.deleteSyncRows(ctx, tx); err != nil {
				return err
			}
			if s.Whole() {
				if err := s.setMode(ctx, tx, Normal); err != nil {
					return err
				}
			}
			_, err := tx.Exec(ctx, "UPDATE metadb.maintenance SET next_maintenance_time = now()")
			return err
		})
		if err == nil {
			s.server.notifyScopeChanged()
		}
		return err
	})
}
