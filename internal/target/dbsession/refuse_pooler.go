package dbsession

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrPooled is the error if a connection pooler shares the sessions of the database.
var ErrPooled = errors.New("a connection pooler in transaction or statement mode is in between, which Metadb can't work with (it needs prepared statements, " +
	"temporary tables, settings and a lock that last as long as its connections): have host and port in metadb.conf name the database server itself, " +
	"or a pooler in session mode (pool_mode = session for this database and its users)")

// exclusiveChecks is the number of checks of both connections. A pooler hands out free connections,
// often the same one again, sometimes each in turn.
const exclusiveChecks = 8

// ConnectExclusive opens a session like Connect, and returns ErrPooled unless each connection has a
// process of the database to itself: two that are open at once must have different ones, and keep
// them from one statement to the next. Before the check it changes no settings, which a pooler
// would pass on to other sessions.
func ConnectExclusive(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	return retryTimedOut(config, func(config *pgx.ConnConfig) (*pgx.Conn, error) { return openExclusive(ctx, config) })
}

// openExclusive opens two connections, checks them, and keeps one.
func openExclusive(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	var conns [2]*pgx.Conn
	for i := range conns {
		var err error
		if conns[i], err = openGuarded(ctx, config); err != nil {
			closeAll(ctx, conns[:i])
			return nil, err
		}
	}
	if err := checkExclusive(ctx, conns); err != nil {
		closeAll(ctx, conns[:])
		return nil, err
	}
	closeAll(ctx, conns[1:])
	return configureConn(ctx, conns[0])
}

func closeAll(ctx context.Context, conns []*pgx.Conn) {
	for _, conn := range conns {
		_ = conn.Close(context.WithoutCancel(ctx))
	}
}

// checkExclusive returns ErrPooled if one of two connections changes its process, or both have the
// same one.
func checkExclusive(ctx context.Context, conns [2]*pgx.Conn) error {
	var before [2]int
	for range exclusiveChecks {
		var now [2]int
		for i, conn := range conns {
			var err error
			if now[i], err = backendPID(ctx, conn.PgConn()); err != nil {
				return err
			}
		}
		if now[0] == now[1] || before != [2]int{} && now != before {
			return ErrPooled
		}
		before = now
	}
	return nil
}

// backendPID returns the number of the process that runs a connection's statement. It needs no
// state that a pooler would have to keep.
func backendPID(ctx context.Context, conn *pgconn.PgConn) (int, error) {
	results, err := conn.Exec(ctx, "SELECT pg_catalog.pg_backend_pid()").ReadAll()
	if err != nil {
		return 0, fmt.Errorf("look for a connection pooler: %w", err)
	}
	return strconv.Atoi(string(results[0].Rows[0][0]))
}
