package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Roles are those that no command may touch, beside PostgreSQL's own. Super is
// empty where the system user is the administrator too.
type Roles struct{ System, Super string }

// Beginner begins transactions of the system user's; a pgxpool.Pool is one.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Database is where sessions are opened.
type Database struct {
	Roles
	Own Beginner
	// Administrator connects as the superuser of metadb.conf. It is not called
	// where Roles.Super is empty.
	Administrator func(ctx context.Context) (*pgx.Conn, error)
	// Exclusively does something while no batch is applied: a GRANT and an ALTER
	// TABLE of one table at once would make one of them fail. Nil says that no
	// stream is running.
	Exclusively func(do func() error) error
	// LockTimeout bounds a wait for what users hold, in PostgreSQL's notation. No
	// stream waits meanwhile.
	LockTimeout string
}

const (
	// CommandLockTimeout is for commands, whose user waits for the answer.
	CommandLockTimeout = "10s"
	// briefLockTimeout bounds waiting while no batch is applied.
	briefLockTimeout = "500ms"
)

// Session is what a command about users works in. Nothing is changed unless all
// of it succeeds.
type Session struct {
	Roles
	db  *Database
	own pgx.Tx
	// conn and admin are the administrator's; admin is nil until it is needed.
	conn  *pgx.Conn
	admin *administrator
	// last is done at the end, while no batch is applied.
	last []func(ctx context.Context) error
	// takesAway has the administrator's transaction commit first. What is given is
	// stored first: a privilege that is missing is given later, one that nobody
	// knows of would stay.
	takesAway bool
	// left are statements that the administrator may not carry out.
	left []string
	// readOnly has nothing committed at the end.
	readOnly bool
}

// Do carries out a command.
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

// configureTransaction gives a transaction the settings in which names mean PostgreSQL's
// own objects, and nothing is waited for without bound.
func (s *Session) configureTransaction(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL lock_timeout = '"+s.db.LockTimeout+"'")
	if err != nil {
		return fmt.Errorf("begin the transaction: %w", err)
	}
	return nil
}

// administrator returns what carries out statements that need more rights than
// the system user's. It connects the first time.
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

// atEndWithoutBatches has something done at the end, while no batch is applied.
func (s *Session) atEndWithoutBatches(do func(ctx context.Context) error) {
	s.last = append(s.last, do)
}

// finishCommand does what is left and commits.
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

// rollbackOpen gives up what is not committed.
func (s *Session) rollbackOpen(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if err := s.own.Rollback(ctx); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
		_ = s.own.Conn().Close(ctx)
	}
	if s.conn != nil {
		_ = s.conn.Close(ctx)
	}
}
