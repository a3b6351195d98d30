package pgtest

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestDatabasesAreSeparate(t *testing.T) {
	SkipShort(t)
	a, b := New(t), New(t)
	if _, err := a.Pool.Exec(t.Context(), "CREATE TABLE only_a ()"); err != nil {
		t.Fatal(err)
	}
	var exists bool
	if err := b.Pool.QueryRow(t.Context(), "SELECT to_regclass('only_a') IS NOT NULL").Scan(&exists); err != nil {
		t.Fatal(err)
	}
	if exists {
		t.Error("a table of one database is in the other")
	}
}

func TestCrashKeepsCommittedRows(t *testing.T) {
	SkipShort(t)
	ctx := t.Context()
	c, err := NewCluster(ctx, Options{Durable: true, Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.execAdmin(ctx, "CREATE TABLE kept AS SELECT 1 AS n"); err != nil {
		t.Fatal(err)
	}
	if err := c.Crash(); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := conn.QueryRow(ctx, "SELECT n FROM kept").Scan(&n); err != nil || n != 1 {
		t.Errorf("got %d, %v; want the committed row", n, err)
	}
	if err := conn.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.Dir()); !os.IsNotExist(err) {
		t.Errorf("folder %s is left behind", c.Dir())
	}
}

func TestMissingBinariesAreNamed(t *testing.T) {
	t.Setenv("PGBIN", t.TempDir())
	if _, err := NewCluster(context.Background(), Options{}); err == nil {
		t.Error("a cluster came out of an empty folder")
	}
}
