package dbsession

import (
	"context"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/pgcode"
)

// Connect opens a session with the settings of Command.
func Connect(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	return retryTimedOut(config, func(config *pgx.ConnConfig) (*pgx.Conn, error) {
		conn, err := openGuarded(ctx, config)
		if err != nil {
			return nil, err
		}
		return configureConn(ctx, conn)
	})
}

// retryTimedOut opens a session, and opens it again without the role's transaction_timeout if
// that ended it before its settings were applied.
func retryTimedOut(config *pgx.ConnConfig, open func(*pgx.ConnConfig) (*pgx.Conn, error)) (*pgx.Conn, error) {
	conn, err := open(config)
	if pgcode.Is(err, pgcode.TransactionTimeout) {
		return open(withSettings(config, transactionTimeout))
	}
	return conn, err
}

// configureConn applies the settings of Command to a session, and closes it if that fails.
func configureConn(ctx context.Context, conn *pgx.Conn) (*pgx.Conn, error) {
	if err := Configure(ctx, conn, Command); err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return conn, nil
}

// openGuarded opens a session that no timeout but transaction_timeout ends before its first
// statement, unless settings are refused in the request to connect.
func openGuarded(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, withSettings(config, openingSettings...))
	if pgcode.Is(err, pgcode.ProtocolViolation) {
		return pgx.ConnectConfig(ctx, config)
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
