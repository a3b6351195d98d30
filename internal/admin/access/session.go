package access

import (
	"context"

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
	Roles Roles
	Own   Beginner
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
	tx         *transactions
	registry   registry
	privileges privileges
}

// Do executes a command.
func (db *Database) Do(ctx context.Context, command func(*Session) error) error {
	own, err := db.Own.Begin(ctx)
	if err != nil {
		return err
	}
	tx := &transactions{roles: db.Roles, db: db, own: own}
	defer tx.rollbackOpen(ctx)
	if err := tx.configureTransaction(ctx, own); err != nil {
		return err
	}
	s := &Session{tx: tx, registry: registry{roles: db.Roles, own: own}, privileges: privileges{tx: tx}}
	if err := command(s); err != nil {
		return err
	}
	if tx.readOnly {
		return nil
	}
	if len(tx.last) == 0 || db.Exclusively == nil {
		return tx.finishCommand(ctx)
	}
	return db.Exclusively(func() error { return tx.finishCommand(ctx) })
}
