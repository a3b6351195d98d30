package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Roles are the roles that no command may change, in addition to PostgreSQL's own. If Super is
// empty, the system user is the administrator.
type Roles struct{ System, Super string }

// Beginner begins transactions of the system user; *pgxpool.Pool implements it.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Database opens sessions.
type Database struct {
	Roles
	Own Beginner
	// Administrator connects as the superuser of metadb.conf. It is not called if Roles.Super is
	// empty.
	Administrator func(ctx context.Context) (*pgx.Conn, error)
	// Exclusively calls do while no batch is applied: of a GRANT and an ALTER TABLE of the same
	// table at the same time one would fail. If it is nil, no stream is running.
	Exclusively func(do func() error) error
	// LockTimeout bounds waits for users' locks, in PostgreSQL's notation. No stream is delayed
	// meanwhile.
	LockTimeout string
}

const (
	// CommandLockTimeout is the LockTimeout of commands, which an administrator waits for.
	CommandLockTimeout = "10s"
	// briefLockTimeout bounds waits for locks while no batch is applied.
	briefLockTimeout = "500ms"
)

// Session executes a command about users. If a part of it fails, nothing is changed.
type Session struct {
	Roles
	db  *Database
	own pgx.Tx
	// conn and admin are the administrator's; admin is nil until it is needed.
	conn  *pgx.Conn
	admin *administrator
	// last contains the functions to call at the end, while no batch is applied.
	last []func(ctx context.Context) error
	// takesAway is true if the administrator's transaction has to commit first. Otherwise the
	// stored grants are committed first: if the second commit fails, a missing privilege is granted
	// later, but a privilege without a stored grant would stay.
	takesAway bool
	// left contains the statements that the administrator may not execute.
	left []string
	// readOnly is true if nothing is committed at the end.
	readOnly bool
}

// Do executes a command.
func (db *Database) Do(ctx context.Context, command func(*Session) error) error {
	own, err := db.Own.Begin(ctx)
	if err != nil {
		return err
	}
	s := &Session{Roles: db.Roles, db: db, own: own}
	defer s.rollbackOpen(ctx)
	if err := s.configureTransaction(ctx, own); err != nil {
		return err
	}
	if err := command(s); err != nil {
		return err
	}
	if s.readOnly {
		return nil
	}
	if len(s.last) == 0 || db.Exclusively == nil {
		return s.finishCommand(ctx)
	}
	return db.Exclusively(func() error { return s.finishCommand(ctx) })
}

// configureTransaction makes names in a transaction refer to PostgreSQL's own objects, and bounds
// waits for locks.
func (s *Session) configureTransaction(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL lock_timeout = '"+s.db.LockTimeout+"'")
	if err != nil {
		return fmt.Errorf("begin the transaction: %w", err)
	}
	return nil
}

// administrator returns the administrator, which executes statements that need more rights than the
// system user's. The first call connects.
func (s *Session) administrator(ctx context.Context) (*administrator, error) {
	if s.admin != nil {
		return s.admin, nil
	}
	tx := s.own
	if s.Super != "" {
		conn, err := s.db.Administrator(ctx)
		if err != nil {
			return nil, err
		}
		s.conn = conn
		if tx, err = conn.Begin(ctx); err != nil {
			return nil, err
		}
		if err := s.configureTransaction(ctx, tx); err != nil {
			return nil, err
		}
	}
	admin, err := newAdministrator(ctx, tx)
	if err != nil {
		return nil, err
	}
	s.admin = admin
	return admin, nil
}

// atEndWithoutBatches adds a function to call at the end, while no batch is applied.
func (s *Session) atEndWithoutBatches(do func(ctx context.Context) error) {
	s.last = append(s.last, do)
}

// finishCommand calls the functions for the end and commits.
func (s *Session) finishCommand(ctx context.Context) error {
	transactions := []pgx.Tx{s.own}
	if s.admin != nil && s.admin.tx != s.own {
		transactions = append(transactions, s.admin.tx)
		if s.takesAway {
			transactions[0], transactions[1] = transactions[1], transactions[0]
		}
	}
	if len(s.last) > 0 {
		for _, tx := range transactions {
			if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '"+briefLockTimeout+"'"); err != nil {
				return err
			}
		}
	}
	for _, do := range s.last {
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
func (s *Session) rollbackOpen(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if err := s.own.Rollback(ctx); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
		_ = s.own.Conn().Close(ctx)
	}
	if s.conn != nil {
		_ = s.conn.Close(ctx)
	}
}
