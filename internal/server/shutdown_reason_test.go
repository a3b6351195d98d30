package server

import (
	"testing"

	"metadb/internal/testkit/pgtest"
)

// TestDatabaseAwayFromAQuietStream checks that the status shows an unreachable database, with the
// reason of its shutdown, even if no event comes.
func TestDatabaseAwayFromAQuietStream(t *testing.T) {
	pgtest.SkipShort(t)
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	i, feed := installOn(t, pgtest.NewOn(t, cluster)), newFeed(t)
	f := &tableFaultTest{running: i.start(t), patron: feed}
	f.admin(t, feed.source())
	feed.change('c', 1, "Ada", "")
	f.awaitText(t, current, "1=Ada")
	f.awaitState(t, "active", "")
	if err := cluster.Crash(); err != nil {
		t.Fatal(err)
	}
	f.awaitState(t, "error", "whether PostgreSQL is running; its last words were: terminating connection due to immediate shutdown command")
	if err := cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.awaitState(t, "active", "")
	feed.change('u', 1, "Eve", "")
	f.awaitText(t, versions, "2")
}
