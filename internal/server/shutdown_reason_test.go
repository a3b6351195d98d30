package server

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/target/pgcode"
	"metadb/internal/testkit/pgtest"
)

// TestLastWords checks that the reason of the failed process takes precedence over the notices of
// others.
func TestLastWords(t *testing.T) {
	panics := &pgconn.PgError{SeverityUnlocalized: "PANIC", Code: "53100", Message: "could not write to file: No space left on device"}
	crashed := &pgconn.PgError{SeverityUnlocalized: "WARNING", Code: pgcode.CrashShutdown, Message: "terminating connection because of crash of another server process"}
	refuses := &pgconn.PgError{SeverityUnlocalized: "ERROR", Code: "23505", Message: "duplicate key"}
	shut := &pgconn.PgError{SeverityUnlocalized: "FATAL", Code: pgcode.AdminShutdown, Message: "terminating connection due to administrator command"}
	closed := errors.New("conn closed")
	const why, another = "conn closed; its last words were: could not write to file: No space left on device",
		"conn closed; its last words were: terminating connection because of crash of another server process (PostgreSQL's log says why)"
	for name, test := range map[string]struct {
		said []*pgconn.PgError
		want string
	}{
		"nothing":          {nil, "conn closed"},
		"of one statement": {[]*pgconn.PgError{refuses}, "conn closed"},
		"shut down":        {[]*pgconn.PgError{shut}, "conn closed; its last words were: terminating connection due to administrator command"},
		"another process":  {[]*pgconn.PgError{crashed, refuses}, another},
		"its own":          {[]*pgconn.PgError{panics, crashed}, why},
		"its own, later":   {[]*pgconn.PgError{crashed, panics}, why},
	} {
		var w shutdownReason
		for _, said := range test.said {
			w.recordMessage(said)
		}
		got := w.addReason(closed)
		if got.Error() != test.want || !errors.Is(got, closed) || w.addReason(got).Error() != test.want {
			t.Errorf("%s: got %v", name, got)
		}
		w.clearReason()
		if got := w.addReason(closed); got.Error() != closed.Error() || w.addReason(nil) != nil {
			t.Errorf("%s, forgotten: got %v", name, got)
		}
	}
}

// TestDatabaseAwayFromAQuietStream checks that the status shows an unreachable database, with the
// reason of its shutdown, even if no event comes.
func TestDatabaseAwayFromAQuietStream(t *testing.T) {
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
