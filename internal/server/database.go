package server

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/ident"
	"metadb/internal/instance"
)

// connectTimeout bounds one try to connect.
const connectTimeout = 10 * time.Second

// poolConns bounds the connections for commands and questions of the streams.
// Each stream has one more of its own.
const poolConns = 6

// oldest is the lowest version of PostgreSQL, as server_version_num has it.
const oldest = 150000

// session are the settings that results depend on.
// https://www.postgresql.org/docs/current/runtime-config-client.html
func session(parameters map[string]string) {
	parameters["timezone"] = "UTC"
	parameters["datestyle"] = "ISO, MDY"
	parameters["intervalstyle"] = "postgres"
	parameters["client_encoding"] = "UTF8"
	// What may be set for the role is meant for its people.
	parameters["statement_timeout"] = "0"
	parameters["lock_timeout"] = "0"
	parameters["idle_in_transaction_session_timeout"] = "0"
	parameters["default_transaction_read_only"] = "off"
	// A server that vanishes without a word must not hold the lock that its
	// successor needs.
	parameters["tcp_keepalives_idle"] = "10"
	parameters["tcp_keepalives_interval"] = "5"
	parameters["tcp_keepalives_count"] = "3"
	// Nor must a statement whose client was killed go on to its end.
	parameters["client_connection_check_interval"] = "2s"
}

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
	session(parsed.RuntimeParams)
	parsed.StatementCacheCapacity = preparedStatements
	set(parsed)
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, parsed)
	if err != nil {
		return nil, explain(config, role, err)
	}
	return conn, nil
}

// newPool returns the pool of the system user's connections.
func newPool(ctx context.Context, config *instance.Config) (*pgxpool.Pool, error) {
	parsed, err := pgxpool.ParseConfig(config.ConnString(config.SystemUser))
	if err != nil {
		return nil, fmt.Errorf("connections to the database: %w", err)
	}
	session(parsed.ConnConfig.RuntimeParams)
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
func prepare(ctx context.Context, config *instance.Config) error {
	conn, err := connect(ctx, config, config.Superuser)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var (
		version          int
		shown            string
		exists, database bool
		public           bool
	)
	const questions = `
SELECT current_setting('server_version_num')::int, current_setting('server_version'),
       to_regrole(quote_ident($1)) IS NOT NULL`
	if err := conn.QueryRow(ctx, questions, config.SystemUser.Name).Scan(&version, &shown, &exists); err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	if version < oldest {
		return fmt.Errorf("the database server has PostgreSQL %s: Metadb needs version 15 or later", shown)
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
	return nil
}
