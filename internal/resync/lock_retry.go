package resync

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
	"metadb/internal/target/pgcode"
)

// defaultLockTimeout limits one wait for a lock, and maxLockAttempts the number of tries: a
// minute in all. A session that waits for a lock on a table blocks later readers, so that it
// gives up between the tries.
const (
	defaultLockTimeout = 5 * time.Second
	maxLockAttempts    = 12
)

// workMem is enough memory to compare the ids of a table with a million rows.
const workMem = "64MB"

// retryTransaction runs do in a transaction, and again after a lock conflict, at most
// maxLockAttempts times. locked are the relations on which do takes strong locks. Errors begin
// with the name of the work.
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
		case !pgcode.IsLockConflict(err):
			return fmt.Errorf("%s: %w", what, err)
		case try == maxLockAttempts:
			return fmt.Errorf("%s: %w", what, &BusyError{err})
		}
	}
}

// stopAutovacuum locks relations against autovacuum. PostgreSQL cancels an autovacuum only for
// a session that has waited for deadlock_timeout, which is longer than readers may be blocked.
// A wait for this lock blocks neither readers nor writers.
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

// BusyError is the error if other sessions have held locks on a table in all tries of a
// transaction.
type BusyError struct{ cause error }

func (e *BusyError) Error() string {
	return "somebody else has had a table locked for too long; run the command again: " + e.cause.Error()
}

func (e *BusyError) Unwrap() error { return e.cause }
