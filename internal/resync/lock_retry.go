package resync

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/ident"
)

// SQLSTATEs of a transaction that has to wait for others.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	codeLockNotAvailable = "55P03"
	codeDeadlock         = "40P01"
)

// defaultLockTimeout is how long a lock is waited for at a time, and maxLockAttempts how
// often: a minute in all. Who waits for a lock on a table makes later readers
// wait, so that it is given up in between.
const (
	defaultLockTimeout = 5 * time.Second
	maxLockAttempts    = 12
)

// workMem lets the ids of a table with a million rows be compared in memory.
const workMem = "64MB"

// retryTransaction runs do in a transaction, again if a table is in use. What names the
// work in the error. locked are the relations that do takes strong locks of.
func retryTransaction(ctx context.Context, db *pgx.Conn, lockTimeout time.Duration, what string, locked []ident.Qualified, do func(tx pgx.Tx) error) error {
	if lockTimeout <= 0 {
		lockTimeout = defaultLockTimeout
	}
	timeout := fmt.Sprintf("%dms", max(lockTimeout.Milliseconds(), 1))
	for try := 1; ; try++ {
		err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			if err := stopAutovacuum(ctx, tx, locked); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "SELECT set_config('lock_timeout', $1, true), set_config('work_mem', $2, true)", timeout, workMem); err != nil {
				return err
			}
			return do(tx)
		})
		switch {
		case err == nil:
			return nil
		case !isLockConflict(err):
			return fmt.Errorf("%s: %w", what, err)
		case try == maxLockAttempts:
			return fmt.Errorf("%s: %w", what, &BusyError{err})
		}
	}
}

// stopAutovacuum locks relations against maintenance. PostgreSQL stops an
// autovacuum that is in the way, but only for who has waited for
// deadlock_timeout, which is longer than anybody may keep readers waiting. Who
// waits for this lock keeps neither readers nor writers waiting.
// https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM
func stopAutovacuum(ctx context.Context, tx pgx.Tx, relations []ident.Qualified) error {
	if len(relations) == 0 {
		return nil
	}
	const calm = `SELECT set_config('lock_timeout', (extract(epoch FROM current_setting('deadlock_timeout')::interval) * 1000 + 1000)::int::text, true)`
	if _, err := tx.Exec(ctx, calm); err != nil {
		return err
	}
	names := make([]string, len(relations))
	for i, r := range relations {
		names[i] = r.SQL()
	}
	_, err := tx.Exec(ctx, "LOCK TABLE "+strings.Join(names, ", ")+" IN SHARE UPDATE EXCLUSIVE MODE")
	return err
}

// BusyError says that somebody else has had a table locked for as long as one
// was willing to wait.
type BusyError struct{ cause error }

func (e *BusyError) Error() string {
	return "somebody else has had a table locked for too long; run the command again: " + e.cause.Error()
}

func (e *BusyError) Unwrap() error { return e.cause }

// isLockConflict tells an error that comes from what others do at the moment.
func isLockConflict(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && (refused.Code == codeLockNotAvailable || refused.Code == codeDeadlock)
}
