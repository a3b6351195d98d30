package server

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"metadb/internal/observe/logging"
	"metadb/internal/target/serverlock"
	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/pgtest"
)

// TestFaultsOfTheDatabase checks that the status shows any fault of the database as a whole, and
// that the stream then continues where it was.
func TestFaultsOfTheDatabase(t *testing.T) {
	const kick = "; SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'mdbadmin'"
	for name, test := range map[string]struct {
		// THIS is replaced by the name of the database.
		fault, says, repair string
	}{
		"no connection left": {
			fault: "ALTER DATABASE THIS CONNECTION LIMIT 0" + kick, says: "too many connections",
			repair: "ALTER DATABASE THIS CONNECTION LIMIT -1",
		},
		"database closed": {
			fault: "REVOKE CONNECT ON DATABASE THIS FROM PUBLIC, mdbadmin" + kick, says: "permission denied",
			repair: "GRANT CONNECT ON DATABASE THIS TO PUBLIC",
		},
		// TestFullDisk has a disk that is really full, if the machine permits it.
		"disk full": {
			fault: `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
				$$ BEGIN RAISE 'could not extend file "base/1": No space left on device' USING ERRCODE = 'disk_full'; END $$;
				CREATE TRIGGER full_disk BEFORE UPDATE ON metadb.stream_position EXECUTE FUNCTION full_disk()`,
			says: "No space left on device", repair: "DROP FUNCTION full_disk CASCADE",
		},
		"positions locked away": {
			fault: "ALTER TABLE metadb.stream_position RENAME TO gone", says: "stream_position",
			repair: "ALTER TABLE metadb.gone RENAME TO stream_position",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTableFaultTest(t)
			f.exec(t, strings.ReplaceAll(test.fault, "THIS", f.db.Name))
			f.patron.change('u', 1, "Eve", "")
			f.awaitState(t, "error", test.says)
			f.exec(t, strings.ReplaceAll(test.repair, "THIS", f.db.Name))
			f.awaitState(t, "active", "")
			f.awaitText(t, current, "1=Eve")
			f.awaitText(t, versions, "2")
		})
	}
}

// TestTimeoutsOfTheRole checks that settings of the role, which are meant for people, do not
// affect the server.
func TestTimeoutsOfTheRole(t *testing.T) {
	i, f := install(t), newFeed(t)
	for _, setting := range []string{
		"statement_timeout = '1ms'", "lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '1ms'", "default_transaction_read_only = on",
	} {
		if _, err := i.db.Pool.Exec(t.Context(), "ALTER ROLE mdbadmin IN DATABASE "+i.db.Name+" SET "+setting); err != nil {
			t.Fatal(err)
		}
	}
	r := i.start(t)
	r.admin(t, f.source())
	f.change('c', 1, "Ada", "")
	r.awaitText(t, current, "1=Ada")
	f.change('u', 1, "Eve", "")
	r.awaitText(t, current, "1=Eve")
	r.awaitState(t, "active", "")
}

// TestFailoverToAStandby restarts the database read-only, and promotes it later.
func TestFailoverToAStandby(t *testing.T) {
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

	signal := filepath.Join(cluster.Dir(), "data", "standby.signal")
	if err := cluster.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(signal, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	feed.change('u', 1, "Eve", "")
	f.awaitState(t, "error", "")
	if err := cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.awaitState(t, "error", "read-only transaction")
	if err := cluster.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(signal); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.awaitState(t, "active", "")
	f.awaitText(t, current, "1=Eve")
	f.awaitText(t, versions, "2")
}

// TestPositionsMovedByHand checks that the stream continues from the stored positions, and that
// repeated records change nothing.
func TestPositionsMovedByHand(t *testing.T) {
	f := newTableFaultTest(t)
	f.patron.change('u', 1, "Eve", "")
	f.awaitText(t, current, "1=Eve")
	f.exec(t, "UPDATE metadb.stream_position SET next_offset = 0")
	f.patron.change('u', 1, "Zoe", "")
	f.awaitText(t, current, "1=Zoe")
	f.awaitText(t, versions, "3")
	f.awaitState(t, "active", "")
}

// TestDatabaseForgets checks that the last commits, which a crashed PostgreSQL has lost with
// their positions, are read again although no new event comes.
func TestDatabaseForgets(t *testing.T) {
	f := newTableFaultTest(t)
	f.exec(t, "CREATE TABLE public.before AS SELECT * FROM metadb.stream_position")
	wide := f.patron.another(patronWith(eventgen.BigInt))
	wide.lsn = f.patron.lsn
	wide.change('c', 2, "Eve", "")
	f.awaitText(t, current, "1=Ada 2=Eve")
	f.exec(t, `BEGIN;
		DELETE FROM library.patron__ WHERE id = 2;
		ALTER TABLE library.patron__ ALTER COLUMN id TYPE integer;
		UPDATE metadb.stream_position p SET next_offset = b.next_offset, high_lsn = b.high_lsn, high_time = b.high_time
		  FROM public.before b WHERE p.topic = b.topic AND p.partition = b.partition;
		COMMIT;
		SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'mdbadmin'`)
	f.awaitText(t, current, "1=Ada 2=Eve")
	f.awaitText(t, "SELECT count(*) FROM metadb.rejected_event", "0")
	f.awaitState(t, "active", "")
}

// TestLockTakenByAnother checks that a server which loses the lock of its database to another
// server ends with the reason.
func TestLockTakenByAnother(t *testing.T) {
	i := install(t)
	i.start(t).stop(t) // grants the rights
	config, err := instanceConfig(i.dir)
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(logging.NewHandler(&buffer{}, slog.LevelInfo))
	first, err := serverlock.Acquire(t.Context(), config, logger)
	if err != nil {
		t.Fatal(err)
	}
	first.ReacquireTimeout = time.Second
	if _, err := i.db.Pool.Exec(t.Context(), "SELECT pg_terminate_backend($1)", first.Conn.PgConn().PID()); err != nil {
		t.Fatal(err)
	}
	second, err := serverlock.Acquire(t.Context(), config, logger)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close(t.Context())
	if err := first.Keep(t.Context()); !errors.Is(err, serverlock.ErrInUse) || !strings.Contains(err.Error(), "connected from 127.0.0.1") {
		t.Errorf("got %v", err)
	}
}
