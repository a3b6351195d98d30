package dbsession

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs with which a request to connect may fail.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	// codeProtocol is PgBouncer's code for a refused setting in the request; PostgreSQL itself has
	// other codes for that.
	// https://www.pgbouncer.org/config.html#ignore_startup_parameters
	codeProtocol = "08P01"
	// codeTransactionTimeout is the code if the role's transaction_timeout ends the login.
	codeTransactionTimeout = "25P04"
)

// Connect opens a session with the settings of Command.
func Connect(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := openGuarded(ctx, config)
	if err != nil {
		return nil, err
	}
	return configureConn(ctx, config, conn)
}

// configureConn applies the settings of Command to a session opened with config. If the role's
// transaction_timeout ends it before, it opens another one without that timeout.
func configureConn(ctx context.Context, config *pgx.ConnConfig, conn *pgx.Conn) (*pgx.Conn, error) {
	err := Configure(ctx, conn, Command)
	if isTransactionTimeout(err) {
		if conn, err = openGuarded(ctx, withSettings(config, transactionTimeout)); err != nil {
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

// isTransactionTimeout reports whether the role's transaction_timeout ended a session.
func isTransactionTimeout(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == codeTransactionTimeout
}

// openGuarded opens a session that no timeout of the role ends before its first statement, unless
// settings are refused in the request to connect.
func openGuarded(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, withSettings(config, openingSettings...))
	refused, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok:
	case refused.Code == codeProtocol:
		return pgx.ConnectConfig(ctx, config)
	case refused.Code == codeTransactionTimeout:
		return pgx.ConnectConfig(ctx, withSettings(withSettings(config, openingSettings...), transactionTimeout))
	}
	return conn, err
}

// withSettings returns a copy of a request to connect with further settings.
func withSettings(config *pgx.ConnConfig, settings ...Setting) *pgx.ConnConfig {
	guarded := config.Copy()
	for _, setting := range settings {
		guarded.RuntimeParams[setting.Name] = setting.Value
	}
	return guarded
}

// Parameters returns the settings for the request of further connections like this one.
func Parameters(conn *pgx.Conn) map[string]string {
	parameters := conn.Config().RuntimeParams
	if _, guarded := parameters[openingSettings[0].Name]; guarded && majorVersion(conn.PgConn()) >= transactionTimeoutSince {
		parameters[transactionTimeout.Name] = transactionTimeout.Value
	}
	return parameters
}
