package dbsession

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs that a request to connect may fail with.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	// codeProtocol is how PgBouncer refuses a setting in the request; PostgreSQL itself has
	// other codes for that. https://www.pgbouncer.org/config.html#ignore_startup_parameters
	codeProtocol = "08P01"
	// codeTransactionTimeout says that the role's transaction_timeout is shorter than what
	// logging in takes.
	codeTransactionTimeout = "25P04"
)

// Connect opens a session with the settings of Command.
func Connect(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := request(ctx, config)
	if err != nil {
		return nil, err
	}
	err = Configure(ctx, conn, Command)
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == codeTransactionTimeout {
		if conn, err = request(ctx, guard(config, transactionTimeout)); err != nil {
			return nil, err
		}
		err = Configure(ctx, conn, Command)
	}
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return conn, nil
}

// request opens a session that no timeout of the role's ends before its first statement,
// where settings may be given with the request to connect.
func request(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, guard(config, opening...))
	refused, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok:
	case refused.Code == codeProtocol:
		return pgx.ConnectConfig(ctx, config)
	case refused.Code == codeTransactionTimeout:
		return pgx.ConnectConfig(ctx, guard(guard(config, opening...), transactionTimeout))
	}
	return conn, err
}

// guard returns a request to connect with further settings.
func guard(config *pgx.ConnConfig, settings ...Setting) *pgx.ConnConfig {
	guarded := config.Copy()
	for _, setting := range settings {
		guarded.RuntimeParams[setting.Name] = setting.Value
	}
	return guarded
}

// Parameters returns the settings with which further connections are to be asked for where
// this one came from.
func Parameters(conn *pgx.Conn) map[string]string {
	parameters := conn.Config().RuntimeParams
	if _, guarded := parameters[opening[0].Name]; guarded && version(conn.PgConn()) >= transactionTimeoutSince {
		parameters[transactionTimeout.Name] = transactionTimeout.Value
	}
	return parameters
}

// beginSQL has the next statement read and planned as it is meant, whatever the role's
// settings are. A role can have a role that it takes on when it logs in.
const beginSQL = "SET search_path = pg_catalog; SET geqo = off; SET ROLE NONE"

// transactionTimeoutSQL comes first of all, where it is known.
const transactionTimeoutSQL = "SET transaction_timeout = 0"

// Configure gives a session the settings of a profile. It fails with an error of Require
// where the database can't be used.
func Configure(ctx context.Context, conn *pgx.Conn, profile Profile) error {
	server := conn.PgConn()
	if err := Require(conn); err != nil {
		return err
	}
	begin := beginSQL
	if version(server) >= transactionTimeoutSince {
		begin = transactionTimeoutSQL + "; " + begin
	}
	if err := server.Exec(ctx, begin).Close(); err != nil {
		return fmt.Errorf("begin the session: %w", err)
	}
	// A pooler that shares its connections keeps nothing prepared.
	if err := server.Exec(ctx, configureSQL(profile.Settings())).Close(); err != nil {
		return fmt.Errorf("configure the session: %w", err)
	}
	return nil
}

// configureSQL returns the statement that sets those settings that the server has and the
// session may set, the others as they are. For a list of names and values it is
//
//	SELECT set_config(s.name, coalesce(v.value, s.boot_val), false)
//	  FROM pg_settings AS s LEFT JOIN (VALUES ('jit', 'off'), …) AS v (name, value) ON lower(s.name) = v.name
//	 WHERE (v.name IS NOT NULL OR s.name LIKE 'enable\_%')
//	   AND (s.enumvals IS NULL OR v.value = ANY (s.enumvals) OR …)
//	   AND (s.context = 'user' OR s.context = 'superuser' AND has_parameter_privilege(s.name, 'SET'))
//
// It is one statement without parameters, for the simple query protocol. Names and values are
// this package's constants.
func configureSQL(settings []Setting) string {
	last := make(map[string]string, len(settings))
	var names []string
	for _, setting := range settings {
		if _, again := last[setting.Name]; !again {
			names = append(names, setting.Name)
		}
		last[setting.Name] = setting.Value
	}
	var values strings.Builder
	for i, name := range names {
		if i > 0 {
			values.WriteString(", ")
		}
		fmt.Fprintf(&values, "('%s', '%s')", name, last[name])
	}
	return `SELECT pg_catalog.set_config(s.name, coalesce(v.value, s.boot_val), false)
  FROM pg_catalog.pg_settings AS s
  LEFT JOIN (VALUES ` + values.String() + `) AS v (name, value) ON pg_catalog.lower(s.name) = v.name
 WHERE (v.name IS NOT NULL OR s.name LIKE 'enable\_%')
   AND (s.vartype <> 'enum' OR v.value = ANY (s.enumvals))
   AND (s.context = 'user' OR s.context = 'superuser' AND pg_catalog.has_parameter_privilege(s.name, 'SET'))`
}
