package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/target/pgcode"
	"metadb/internal/testkit/pgtest"
)

// connectionFiller opens connections of another role to the same PostgreSQL, in another database.
type connectionFiller struct {
	url   string
	conns []*pgx.Conn
}

// fill takes all connections that are left for ordinary roles.
func (c *connectionFiller) fill(t *testing.T) {
	t.Helper()
	for {
		conn, err := pgx.Connect(t.Context(), c.url)
		var refused *pgconn.PgError
		switch {
		case errors.As(err, &refused) && refused.Code == pgcode.TooManyConnections:
			return
		case err != nil:
			t.Fatal(err)
		}
		c.conns = append(c.conns, conn)
	}
}

// leave closes some connections and waits until others can use them.
func (c *connectionFiller) leave(t *testing.T, some int) {
	t.Helper()
	for _, conn := range c.conns[:some] {
		_ = conn.Close(context.WithoutCancel(t.Context()))
		<-conn.PgConn().CleanupDone()
	}
	c.conns = c.conns[some:]
}

// newConnectionLimit returns a stream in a PostgreSQL with few connections, and their filler.
func newConnectionLimit(t *testing.T) (*tableFaultTest, *connectionFiller) {
	t.Helper()
	pgtest.SkipShort(t)
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{
		Settings: []string{"max_connections = 30", "superuser_reserved_connections = 8"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	i, patron := installOn(t, pgtest.NewOn(t, cluster)), newFeed(t)
	f := &tableFaultTest{running: i.start(t), patron: patron}
	f.admin(t, patron.source())
	patron.change('c', 1, "Ada", "")
	f.awaitText(t, current, "1=Ada")
	f.exec(t, "CREATE ROLE guest LOGIN")
	others := &connectionFiller{url: fmt.Sprintf("host=%s port=%d user=guest dbname=postgres sslmode=disable", cluster.Host(), cluster.Port())}
	t.Cleanup(func() { others.leave(t, len(others.conns)) })
	return f, others
}

// TestNoConnectionLeft checks that the server works while other roles use up max_connections, and
// that the status shows the reason after its own connections are ended.
func TestNoConnectionLeft(t *testing.T) {
	f, others := newConnectionLimit(t)
	others.fill(t)
	f.patron.change('u', 1, "Eve", "")
	f.awaitText(t, current, "1=Eve")
	f.awaitState(t, "active", "")

	// The server and the filler compete for each ended connection, and a connection that ends
	// slowly is free later: repeat until the server has none left.
	f.await(t, "lose every connection", func() error {
		f.exec(t, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'mdbadmin'")
		others.fill(t)
		f.patron.change('u', 1, "Zoe", "")
		rows := f.admin(t, "list status")
		if rows[0][2] != "error" || !strings.Contains(rows[0][8], "connection slots are reserved") {
			return fmt.Errorf("list status: %v", rows)
		}
		return nil
	})
	if code := f.refusal(t, "SELECT 1"); code != pgcode.TooManyConnections {
		t.Errorf("SQL through the port: SQLSTATE %q", code)
	}
	others.leave(t, len(others.conns))
	f.awaitState(t, "active", "")
	f.awaitText(t, current, "1=Zoe")
	f.awaitText(t, versions, "3")
}

// refusal executes SQL on the port and returns the SQLSTATE of the error.
func (r *running) refusal(t *testing.T, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=127.0.0.1 port=%d dbname=metadb user=mdbadmin password=secret sslmode=disable", r.port))
	if err == nil {
		defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
		_, err = conn.PgConn().Exec(t.Context(), sql).ReadAll()
	}
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	t.Log(refused)
	return refused.Code
}

// TestStartWithFewConnections checks that a server with too few connections at its start ends
// with the reason, or streams, or shows the reason in the status.
func TestStartWithFewConnections(t *testing.T) {
	f, others := newConnectionLimit(t)
	f.stop(t)
	for left := range 6 {
		t.Run(fmt.Sprintf("%d left", left), func(t *testing.T) {
			others.fill(t)
			others.leave(t, left)
			r := f.launch(t)
			f.patron.change('u', 1, fmt.Sprintf("Eve%d", left), "")
			ended := false
			r.await(t, "end or listen", func() error {
				select {
				case <-r.done:
					ended = true
					return nil
				default:
					return r.logged("listening on")
				}
			})
			if ended {
				if r.err == nil || !strings.Contains(r.err.Error(), "the database server has no connection left: ") {
					t.Errorf("the server ended with %v", r.err)
				}
				others.leave(t, len(others.conns))
				r = f.start(t)
			} else {
				defer r.stop(t)
				r.await(t, "stream or say why not", func() error { return streamsOrSays(t, r, left) })
				others.leave(t, len(others.conns))
			}
			r.awaitText(t, current, fmt.Sprintf("1=Eve%d", left))
			r.awaitState(t, "active", "")
		})
	}
}

// streamsOrSays returns nil if the change is applied or the status has the reason.
func streamsOrSays(t *testing.T, r *running, n int) error {
	t.Helper()
	var got string
	if err := r.db.Pool.QueryRow(t.Context(), current).Scan(&got); err != nil {
		return err
	}
	rows := r.admin(t, "list status")
	if len(rows) == 1 && rows[0][2] == "error" && strings.Contains(rows[0][8], "connection slots are reserved") {
		return nil
	}
	if got != fmt.Sprintf("1=Eve%d", n) {
		return fmt.Errorf("got %s, list status: %v", got, rows)
	}
	return nil
}
