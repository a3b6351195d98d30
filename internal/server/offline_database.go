package server

import (
	"context"
	"errors"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/metaschema"
)

// errNotSetUp says that no server has ever run on the database.
var errNotSetUp = errors.New("the database has not been set up yet: run \"metadb start\" first")

// withLockedDatabase opens a data directory and does something while no server can run
// on it or on its database.
func withLockedDatabase(ctx context.Context, path string, do func(*pgx.Conn) error) (err error) {
	data, err := openDataDir(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.lock.Release()) }()
	owner, err := acquireDBLock(ctx, data.config, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer owner.close(ctx)
	conn, err := connectRole(ctx, data.config, data.config.SystemUser)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return do(conn)
}

// Offline does something with the database that no server may be running for:
// it locks the data directory and the database meanwhile. The error is a
// *instance.RunningError if a server runs on the data directory. The
// connection is the system user's.
func Offline(ctx context.Context, path string, do func(ctx context.Context, db *pgx.Conn) error) error {
	return withLockedDatabase(ctx, path, func(db *pgx.Conn) error {
		if err := checkSchema(ctx, db); err != nil {
			return err
		}
		return do(ctx, db)
	})
}

// checkSchema refuses a database that is not of this program's version.
func checkSchema(ctx context.Context, db *pgx.Conn) error {
	have, err := metaschema.DatabaseVersion(ctx, db)
	if errors.Is(err, metaschema.ErrNoSchema) {
		return errNotSetUp
	}
	if err != nil {
		return err
	}
	want, err := metaschema.ProgramVersion()
	if err != nil {
		return err
	}
	if have != want {
		return &metaschema.VersionError{Database: have, Program: want}
	}
	return nil
}
