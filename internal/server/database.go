package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/access"
	"metadb/internal/dbsession"
	"metadb/internal/ident"
	"metadb/internal/instance"
)

// connectTimeout bounds one try to connect.
const connectTimeout = 10 * time.Second

// poolConns bounds the connections for commands and questions of the streams.
// Each stream has one more of its own.
const poolConns = 6

// preparedStatements is how many statements a connection keeps prepared. Applying
// takes up to seven for a table: with fewer, a source whose batches have hundreds of
// tables has each prepared again every time, a seventh of what that costs PostgreSQL.
// One takes about 60 KB there.
const preparedStatements = 2048

// connect connects as a role. The error says what to do about it.
func connect(ctx context.Context, config *instance.Config, role instance.Role) (*pgx.Conn, error) {
	return dial(ctx, config, role, func(*pgx.ConnConfig) {})
}

// dial is connect with more settings.
func dial(ctx context.Context, config *instance.Config, role instance.Role, set func(*pgx.ConnConfig)) (*pgx.Conn, error) {
	parsed, err := pgx.ParseConfig(config.ConnString(role))
	if err != nil {
		return nil, fmt.Errorf("connection to the database: %w", err)
	}
	parsed.StatementCacheCapacity = preparedStatements
	set(parsed)
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := dbsession.Connect(ctx, parsed)
	if err != nil {
		return nil, explain(config, role, err)
	}
	return conn, nil
}

// unshared returns an error if what answers where the database is expected lends its
// connections out, as a pooler in transaction mode does.
func unshared(ctx context.Context, config *instance.Config, role instance.Role) error {
	parsed, err := pgx.ParseConfig(config.ConnString(role))
	if err != nil {
		return fmt.Errorf("connection to the database: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	switch err := dbsession.Exclusive(ctx, parsed); {
	case errors.Is(err, dbsession.ErrShared):
		return fmt.Errorf("%s port %d: %w", config.Host, config.Port, err)
	case err != nil:
		return explain(config, role, err)
	}
	return nil
}

// newPool returns the pool of the system user's connections, which are made with the
// same request as the one that is there already.
func newPool(ctx context.Context, config *instance.Config, like *pgx.Conn) (*pgxpool.Pool, error) {
	parsed, err := pgxpool.ParseConfig(config.ConnString(config.SystemUser))
	if err != nil {
		return nil, fmt.Errorf("connections to the database: %w", err)
	}
	parsed.ConnConfig.RuntimeParams = dbsession.Parameters(like)
	parsed.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		return dbsession.Configure(ctx, conn, dbsession.Command)
	}
	parsed.ConnConfig.ConnectTimeout = connectTimeout
	parsed.MaxConns = poolConns
	// A command must not fail because PostgreSQL was there again only just now.
	parsed.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return true }
	pool, err := pgxpool.NewWithConfig(ctx, parsed)
	if err != nil {
		return nil, fmt.Errorf("connections to the database: %w", err)
	}
	return pool, nil
}

// prepare does as the superuser what the system user can't do for itself: it
// gets the rights to make schemas in the database, and functions in public.
func prepare(ctx context.Context, config *instance.Config, logger *slog.Logger) error {
	if err := unshared(ctx, config, config.Superuser); err != nil {
		return err
	}
	conn, err := connect(ctx, config, config.Superuser)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var exists, database, public bool
	const question = "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)"
	if err := conn.QueryRow(ctx, question, config.SystemUser.Name).Scan(&exists); err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	role := ident.Name(config.SystemUser.Name)
	if !exists {
		return fmt.Errorf("the role %q does not exist: check systemuser in metadb.conf, or make the role: create role %s login password '…'",
			role, role.SQL())
	}
	const rights = `
SELECT has_database_privilege($1, current_database(), 'CREATE')
   AND has_database_privilege($1, current_database(), 'CONNECT')
   AND has_database_privilege($1, current_database(), 'TEMPORARY'),
       has_schema_privilege($1, 'public', 'CREATE')
   AND has_schema_privilege($1, 'public', 'USAGE')`
	if err := conn.QueryRow(ctx, rights, config.SystemUser.Name).Scan(&database, &public); err != nil {
		return fmt.Errorf("look at the rights of %s: %w", role, err)
	}
	for _, missing := range []struct {
		there bool
		grant string
	}{
		{database, "GRANT CREATE, CONNECT, TEMPORARY ON DATABASE " + ident.Name(config.Database).SQL() + " TO " + role.SQL()},
		{public, "GRANT CREATE, USAGE ON SCHEMA public TO " + role.SQL()},
	} {
		if missing.there {
			continue
		}
		if _, err := conn.Exec(ctx, missing.grant); err != nil {
			return fmt.Errorf("superuser %q lacks the right for this: %s: %w", config.Superuser.Name, missing.grant, err)
		}
	}
	return checkAdministrator(ctx, conn, config, logger)
}

// checkAdministrator warns of what will not work where the superuser of metadb.conf is
// none, as on managed services.
func checkAdministrator(ctx context.Context, conn *pgx.Conn, config *instance.Config, logger *slog.Logger) error {
	var lacking []string
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) (err error) {
		lacking, err = access.Roles{System: config.SystemUser.Name, Super: config.Superuser.Name}.CheckAdministrator(ctx, tx)
		return err
	})
	for _, line := range lacking {
		logger.Warn(fmt.Sprintf("superuser %q of metadb.conf is no superuser of the database server, and lacks rights: %s", config.Superuser.Name, line))
	}
	return err
}
