package resync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs of a transaction that has to wait for others.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	codeLockNotAvailable = "55P03"
	codeDeadlock         = "40P01"
)

// defaultPatience is how long a lock is waited for at a time, and tries how
// often: a minute in all. Who waits for a lock on a table makes later readers
// wait, so that it is given up in between.
const (
	defaultPatience = 5 * time.Second
	tries           = 12
)

// workMem lets the ids of a table with a million rows be compared in memory.
const workMem = "64MB"

// transact runs do in a transaction, again if a table is in use. What names the
// work in the error.
func transact(ctx context.Context, db *pgx.Conn, patience time.Duration, what string, do func(tx pgx.Tx) error) error {
	if patience <= 0 {
		patience = defaultPatience
	}
	timeout := fmt.Sprintf("%dms", max(patience.Milliseconds(), 1))
	for try := 1; ; try++ {
		err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SELECT set_config('lock_timeout', $1, true), set_config('work_mem', $2, true)", timeout, workMem); err != nil {
				return err
			}
			return do(tx)
		})
		switch {
		case err == nil:
			return nil
		case !busy(err):
			return fmt.Errorf("%s: %w", what, err)
		case try == tries:
			return fmt.Errorf("%s: somebody else has had a table locked for too long; run the command again: %w", what, err)
		}
	}
}

// busy tells an error that comes from what others do at the moment.
func busy(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && (refused.Code == codeLockNotAvailable || refused.Code == codeDeadlock)
}
