package server

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/pgtest"
)

// crowd are connections of others to the same PostgreSQL, in another database.
type crowd struct {
	url   string
	conns []*pgx.Conn
}

// fill takes every connection that PostgreSQL has left for ordinary users.
func (c *crowd) fill(t *testing.T) {
	t.Helper()
	for {
		conn, err := pgx.Connect(t.Context(), c.url)
		var refused *pgconn.PgError
		switch {
		case errors.As(err, &refused) && refused.Code == codeTooManyConnection:
			return
		case err != nil:
			t.Fatal(err)
		}
		c.conns = append(c.conns, conn)
	}
}

func (c *crowd) leave() {
	for _, conn := range c.conns {
		_ = conn.Close(context.Background())
	}
	c.conns = nil
}

// TestNoConnectionLeft: others take all of PostgreSQL's max_connections. What the
// server has suffices; when that is cut off the status says why nothing moves, and
// a server that is started then says so too.
func TestNoConnectionLeft(t *testing.T) {
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{
		Settings: []string{"max_connections = 30", "superuser_reserved_connections = 8"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	i, patron := installOn(t, pgtest.NewOn(t, cluster)), newFeed(t)
	f := &faulted{running: i.start(t), patron: patron}
	f.admin(t, patron.source())
	patron.change('c', 1, "Ada", "")
	f.awaitText(t, current, "1=Ada")

	f.exec(t, "CREATE ROLE guest LOGIN")
	others := &crowd{url: fmt.Sprintf("host=%s port=%d user=guest dbname=postgres sslmode=disable", cluster.Host(), cluster.Port())}
	t.Cleanup(others.leave)
	others.fill(t)
	patron.change('u', 1, "Eve", "")
	f.awaitText(t, current, "1=Eve")
	f.awaitState(t, "active", "")

	// Whoever is first gets what the server loses.
	f.await(t, "lose every connection", func() error {
		f.exec(t, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'mdbadmin'")
		others.fill(t)
		var left int
		if err := f.db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE usename = 'mdbadmin'").Scan(&left); err != nil {
			return err
		}
		if left > 0 {
			return errors.New("the server has connections")
		}
		return nil
	})
	patron.change('u', 1, "Zoe", "")
	f.awaitState(t, "error", "remaining connection slots are reserved")
	others.leave()
	f.awaitState(t, "active", "")
	f.awaitText(t, current, "1=Zoe")
	f.awaitText(t, versions, "3")
}
