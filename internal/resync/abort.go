package resync

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNotInResync is the error of "abort sync" where no resynchronization is in progress.
var ErrNotInResync = errors.New(`"abort sync" can only be used after "sync"`)

// AbortOptions are the options of [Abort].
type AbortOptions struct {
	Target
	// LockTimeout limits one wait for a lock; 0 means 5 seconds.
	LockTimeout time.Duration
	// Server is the running server, nil without one.
	Server *RunningServer
}

// Abort ends a resynchronization without ending rows. Rows that an interrupted endsync has
// ended stay ended. The error is [ErrNotInResync] in normal mode and in an initial
// synchronization.
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

// supersedeRejected marks the rejected events from before the snapshot as superseded, if the
// unconfirmed rows have ended.
func (s *syncState) supersedeRejected(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `
UPDATE metadb.rejected_event e SET later = r.endsync_time FROM metadb.resync r
 WHERE e.source_name = $1 AND e.later IS NULL AND e.rejected_time < r.started_at
   AND r.source_name = $1 AND r.schema_name = $2 AND r.table_name = $3 AND r.endsync_time IS NOT NULL
   AND ($3 = '' OR e.schema_name = $2 AND e.table_name = $3)`, s.target.keyArgs()...)
	return err
}

// finishSync deletes the rows about the synchronization, sets the mode to normal if the target
// is a data source, and makes the derived tables due. It changes nothing if check, which may be
// nil, returns an error.
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
			if s.target.Whole() {
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
