package dbsession

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/instance"
)

// ConnectTimeout bounds one try to connect.
const ConnectTimeout = 10 * time.Second

// statementCacheSize is the number of prepared statements of a connection. Applying needs up to
// seven for a table. With a smaller cache, a source with hundreds of tables in a batch would
// prepare each statement again every time, which costs a seventh of PostgreSQL's time. A
// statement takes about 60 KB there.
const statementCacheSize = 2048

// ConnectRole connects as a role. Its error includes the remedy.
func ConnectRole(ctx context.Context, config *instance.Config, role instance.Role) (*pgx.Conn, error) {
	return ConnectRoleWith(ctx, config, role, func(*pgx.ConnConfig) {})
}

// ConnectRoleWith is ConnectRole with further settings.
func ConnectRoleWith(ctx context.Context, config *instance.Config, role instance.Role, set func(*pgx.ConnConfig)) (*pgx.Conn, error) {
	return openSession(ctx, config, role, set, Connect)
}

// ConnectRoleUnpooled is ConnectRoleWith, but returns an error if the server is a connection pooler
// that shares its connections, as in transaction mode.
func ConnectRoleUnpooled(ctx context.Context, config *instance.Config, role instance.Role, set func(*pgx.ConnConfig)) (*pgx.Conn, error) {
	conn, err := openSession(ctx, config, role, set, ConnectExclusive)
	if errors.Is(err, ErrPooled) {
		return nil, fmt.Errorf("%s port %d: %w", config.Host, config.Port, err)
	}
	return conn, err
}

// openSession connects as a role, with further settings, by the function connect.
func openSession(ctx context.Context, config *instance.Config, role instance.Role, set func(*pgx.ConnConfig),
	connect func(context.Context, *pgx.ConnConfig) (*pgx.Conn, error),
) (*pgx.Conn, error) {
	parsed, err := pgx.ParseConfig(config.ConnString(role))
	if err != nil {
		return nil, fmt.Errorf("connection to the database: %w", err)
	}
	parsed.StatementCacheCapacity = statementCacheSize
	set(parsed)
	ctx, cancel := context.WithTimeout(ctx, ConnectTimeout)
	defer cancel()
	conn, err := connect(ctx, parsed)
	if err != nil && !errors.Is(err, ErrPooled) {
		err = DescribeConnectError(config, role, err)
	}
	return conn, err
}
