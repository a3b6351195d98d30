package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// transactions are the two transactions of a command: the system user's, and the administrator's if
// the command needs it.
type transactions struct {
	roles Roles
	db    *Database
	own   pgx.Tx
	// conn and admin are the administrator's; admin is nil until it is needed.
	conn  *pgx.Conn
	admin *administrator
	// last contains the functions to call at the end, while no batch is applied.
	last []func(ctx context.Context) error
	// takesAway is true if the administrator's transaction has to commit first. Otherwise the
	// stored grants are committed first: if the second commit fails, a missing privilege is granted
	// later, but a privilege without a stored grant would stay.
	takesAway bool
	// readOnly is true if nothing is committed at the end.
	readOnly bool
}

// configureTransaction makes names in a transaction refer to PostgreSQL's own objects, and bounds
// waits for locks.
func (t *transactions) configureTransaction(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL lock_timeout = '"+t.db.LockTimeout+"'")
	if err != nil {
		return fmt.Errorf("begin the transaction: %w", err)
	}
	return nil
}

// administrator returns the administrator, which executes statements that need more rights than the
// system user's. The first call connects.
func (t *transactions) administrator(ctx context.Context) (*administrator, error) {
	if t.admin != nil {
		return t.admin, nil
	}
	tx := t.own
	if t.roles.Super != "" {
		conn, err := t.db.Administrator(ctx)
		if err != nil {
			return nil, err
		}
		t.conn = conn
		if tx, err = conn.Begin(ctx); err != nil {
			return nil, err
		}
		if err := t.configureTransaction(ctx, tx); err != nil {
			return nil, err
		}
	}
	admin, err := newAdministrator(ctx, tx)
	if err != nil {
		return nil, err
	}
	t.admin = admin
	return admin, nil
}

// atEndWithoutBatches adds a function to call at the end, while no batch is applied.
func (t *transactions) atEndWithoutBatches(do func(ctx context.Context) error) {
	t.last = append(t.last, do)
}

// finishCommand calls the functions for the end and commits.
func (t *transactions) finishCommand(ctx context.Context) error {
	transactions := []pgx.Tx{t.own}
	if t.admin != nil && t.admin.tx != t.own {
		transactions = append(transactions, t.admin.tx)
		if t.takesAway {
			transactions[0], transactions[1] = transactions[1], transactions[0]
		}
	}
	if len(t.last) > 0 {
		for _, tx := range transactions {
			if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '"+briefLockTimeout+"'"); err != nil {
				return err
			}
		}
	}
	for _, do := range t.last {
		if err := do(ctx); err != nil {
			return err
		}
	}
	for _, tx := range transactions {
		if err := tx.Commit(ctx); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	return nil
}

// rollbackOpen rolls back the transactions that are not committed.
func (t *transactions) rollbackOpen(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if err := t.own.Rollback(ctx); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
		_ = t.own.Conn().Close(ctx)
	}
	if t.conn != nil {
		_ = t.conn.Close(ctx)
	}
}

// administratorFor returns the administrator after making sure that it may act for a role.
func (t *transactions) administratorFor(ctx context.Context, owner string) (*administrator, error) {
	admin, err := t.administrator(ctx)
	if err != nil {
		return nil, err
	}
	return admin, admin.actFor(ctx, owner)
}

// execOwn executes a statement as the system user.
func (t *transactions) execOwn(ctx context.Context, sql string) error {
	if _, err := t.own.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
