package dbsession

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrShared says that sessions of the database are lent out by a connection pooler.
var ErrShared = errors.New("a connection pooler in transaction or statement mode is in between, which Metadb can't work with (it needs prepared statements, " +
	"temporary tables, settings and a lock that last as long as its connections): have host and port in metadb.conf name the database server itself, " +
	"or a pooler in session mode (pool_mode = session for this database and its users)")

// exclusiveRounds is how often both connections are asked. A pooler deals out what is free,
// often the same connection again, sometimes each in turn.
const exclusiveRounds = 8

// Exclusive returns ErrShared unless each connection has a process of the database to
// itself: two that are open at once must have different ones, and keep them from one statement to
// the next. It changes no settings, which a pooler would leave to others.
func Exclusive(ctx context.Context, config *pgx.ConnConfig) error {
	var conns [2]*pgx.Conn
	for i := range conns {
		conn, err := request(ctx, config)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		conns[i] = conn
	}
	var before [2]int
	for range exclusiveRounds {
		var now [2]int
		for i, conn := range conns {
			var err error
			if now[i], err = backend(ctx, conn.PgConn()); err != nil {
				return err
			}
		}
		if now[0] == now[1] || before != [2]int{} && now != before {
			return ErrShared
		}
		before = now
	}
	return nil
}

// backend returns the number of the process that carries out a connection's statement. It
// needs nothing that a pooler would have to keep.
func backend(ctx context.Context, conn *pgconn.PgConn) (int, error) {
	results, err := conn.Exec(ctx, "SELECT pg_catalog.pg_backend_pid()").ReadAll()
	if err != nil {
		return 0, fmt.Errorf("look for a connection pooler: %w", err)
	}
	return strconv.Atoi(string(results[0].Rows[0][0]))
}
