package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/admin/access"
	"metadb/internal/ident"
	"metadb/internal/instance"
	"metadb/internal/target/dbsession"
)

// maxPoolConns bounds the pool of connections for commands and for queries of the streams. The
// streams' appliers have connections of their own.
const maxPoolConns = 6

// newPool returns the pool of the system user's connections, with the startup parameters of an
// existing connection.
func newPool(ctx context.Context, config *instance.Config, like *pgx.Conn) (*pgxpool.Pool, error) {
	parsed, err := pgxpool.ParseConfig(config.ConnString(config.SystemUser))
	if err != nil {
		return nil, fmt.Errorf("connections to the database: %w", err)
	}
	parsed.ConnConfig.RuntimeParams = dbsession.Parameters(like)
	parsed.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if err := dbsession.Configure(ctx, conn, dbsession.Command); err != nil {
			return err
		}
		return rehearseLocks(ctx, conn)
	}
	parsed.BeforeConnect = func(_ context.Context, conn *pgx.ConnConfig) error {
		conn.Password = config.Password(config.SystemUser)
		return nil
	}
	parsed.ConnConfig.ConnectTimeout = dbsession.ConnectTimeout
	parsed.MaxConns = maxPoolConns
	// A command must not fail because of a connection from before a restart of PostgreSQL.
	parsed.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return true }
	pool, err := pgxpool.NewWithConfig(ctx, parsed)
	if err != nil {
		return nil, fmt.Errorf("connections to the database: %w", err)
	}
	return pool, nil
}

// prepareDatabase gives the system user, as the superuser, the rights to create schemas in the
// database and functions in schema public. It does nothing without a superuser in metadb.conf.
func prepareDatabase(ctx context.Context, config *instance.Config) error {
	if config.Superuser.Name == "" {
		return nil
	}
	conn, err := dbsession.ConnectRoleUnpooled(ctx, config, config.Superuser, func(*pgx.ConnConfig) {})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = protectedRoles(config).Prepare(ctx, conn, config.Database)
	if errors.Is(err, access.ErrNoSystemUser) {
		role := ident.Name(config.SystemUser.Name)
		return fmt.Errorf("the role %q %w: check systemuser in metadb.conf, or make the role: create role %s login password '…'", role, err, role.SQL())
	}
	if lacking, ok := errors.AsType[*access.PrepareError](err); ok {
		return fmt.Errorf("superuser %q lacks the right for this: %w", config.Superuser.Name, lacking)
	}
	return err
}

// protectedRoles returns the roles that no command may change.
func protectedRoles(config *instance.Config) access.Roles {
	return access.Roles{System: config.SystemUser.Name, Super: config.Superuser.Name}
}

// checkRights logs the rights that are missing if there is no superuser, each with the statement
// that grants it: metadb.conf has no superuser, or names a role without that attribute, as on
// managed services.
func (s *server) checkRights(ctx context.Context, own *pgx.Conn) error {
	db := access.Database{Roles: protectedRoles(s.config), Own: own, LockTimeout: access.CommandLockTimeout, Administrator: func(ctx context.Context) (*pgx.Conn, error) {
		return dbsession.ConnectRole(ctx, s.config, s.config.Superuser)
	}}
	lacking, err := db.MissingRights(ctx)
	if err != nil {
		return err
	}
	who := fmt.Sprintf("superuser %q of metadb.conf is no superuser of the database server, and lacks rights", s.config.Superuser.Name)
	if s.config.Superuser.Name == "" {
		who = fmt.Sprintf("the system user %q lacks rights", s.config.SystemUser.Name)
	}
	for _, line := range lacking {
		s.logger.Warn(fmt.Sprintf("%s: %s", who, line))
	}
	return nil
}
