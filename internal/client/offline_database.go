package client

import (
	"context"
	"errors"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"metadb/internal/instance"
	"metadb/internal/target/dbsession"
	"metadb/internal/target/metaschema"
	"metadb/internal/target/serverlock"
)

// errNotSetUp is returned if no server has ever run on the database.
var errNotSetUp = errors.New("the database has not been set up yet: run \"metadb start\" first")

// withLockedDatabase calls do while the data directory and the database are locked against
// servers.
func withLockedDatabase(ctx context.Context, path string, do func(*pgx.Conn) error) (err error) {
	data, err := instance.OpenLocked(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Lock.Release()) }()
	owner, err := serverlock.Acquire(ctx, data.Config, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer owner.Close(ctx)
	conn, err := dbsession.ConnectRole(ctx, data.Config, data.Config.SystemUser)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return do(conn)
}

// Offline calls do with a connection of the system user while no server can run: the data
// directory and the database are locked. The error is an *instance.RunningError if a server runs
// on the data directory.
func Offline(ctx context.Context, path string, do func(ctx context.Context, db *pgx.Conn) error) error {
	return withLockedDatabase(ctx, path, func(db *pgx.Conn) error {
		if err := checkSchema(ctx, db); err != nil {
			return err
		}
		return do(ctx, db)
	})
}

// checkSchema returns an error unless the database has this program's version.
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
