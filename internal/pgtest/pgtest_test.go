package pgtest

import (
	"context"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(Exit)) }

func TestDatabasesAreSeparate(t *testing.T) {
	a, b := New(t), New(t)
	if _, err := a.Pool.Exec(t.Context(), "CREATE TABLE only_here ()"); err != nil {
		t.Fatal(err)
	}
	var found *string
	if err := b.Pool.QueryRow(t.Context(), "SELECT to_regclass('only_here')::text").Scan(&found); err != nil {
		t.Fatal(err)
	}
	if found != nil {
		t.Errorf("the table of one database is in the other")
	}
}

func TestDatabaseSettings(t *testing.T) {
	var locale, encoding, zone string
	err := New(t).Pool.QueryRow(t.Context(),
		"SELECT datcollate, pg_encoding_to_char(encoding), current_setting('timezone') FROM pg_database WHERE datname = current_database()",
	).Scan(&locale, &encoding, &zone)
	if err != nil {
		t.Fatal(err)
	}
	if locale != "C.UTF-8" || encoding != "UTF8" || zone != "UTC" {
		t.Errorf("got %s, %s, %s", locale, encoding, zone)
	}
}

// TestKill shows that a killed server loses what a crash loses and nothing
// else.
func TestKill(t *testing.T) {
	cluster, db := NewCluster(t, Options{})
	ctx := context.Background()
	conn := db.Connect(t)
	for _, statement := range []string{
		"CREATE TABLE logged AS SELECT 1 AS a",
		"CREATE UNLOGGED TABLE unlogged AS SELECT 1 AS a",
		"CHECKPOINT",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := conn.Ping(ctx); err == nil {
		t.Error("a connection survived the kill")
	}
	if err := cluster.Start(); err != nil {
		t.Fatal(err)
	}
	var logged, unlogged int
	err := db.Connect(t).QueryRow(ctx, "SELECT (SELECT count(*) FROM logged), (SELECT count(*) FROM unlogged)").Scan(&logged, &unlogged)
	if err != nil {
		t.Fatal(err)
	}
	if logged != 1 || unlogged != 0 {
		t.Errorf("logged has %d rows, unlogged %d", logged, unlogged)
	}
}
