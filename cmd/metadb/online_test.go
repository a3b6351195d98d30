package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/testbed"
)

// admin executes a command on the port and returns its rows and warnings, one a line, or the
// error with its hint.
func (s *steps) admin(sql string) string {
	s.t.Helper()
	conn, err := s.m.Admin(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	config := conn.Config()
	_ = conn.Close(context.Background())
	var lines []string
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { lines = append(lines, n.Severity+": "+n.Message) }
	if conn, err = pgx.ConnectConfig(s.t.Context(), config); err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, _ := conn.Query(s.t.Context(), sql) // the rows return its error too
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return strings.TrimSpace(fmt.Sprintln(values...)), err
	})
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return "ERROR: " + refused.Message + " HINT: " + refused.Hint
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Join(append(lines, found...), "\n")
}

// expect executes a command on the port and compares the answer.
func (s *steps) expect(sql, want string) {
	s.t.Helper()
	if got := s.admin(sql); got != want {
		s.t.Errorf("%s\n got %s\nwant %s", sql, got, want)
	}
}

// synchronized returns an installation with a data source of ten patrons that has lost the end of
// its stream: see TestResync.
func synchronized(t *testing.T) (*library, *steps) {
	l, step := newLostStream(t)
	names := make(map[int64]string)
	for id := range int64(10) {
		names[id] = fmt.Sprintf("Patron %d", id)
	}
	l.snapshot("metadb_sensor_1", names)
	step.start()
	step.create()
	step.log(`source "sensor" snapshot complete (last record received)`)
	step.expect("endsync data source sensor", "library.patron 10 10 0")
	step.await("SELECT sync FROM metadb.source", "[0]")
	return l, step
}

// TestOnlineResync performs a complete resynchronization while the server runs.
func TestOnlineResync(t *testing.T) {
	l, step := synchronized(t)
	step.expect("endsync data source sensor", `ERROR: "endsync" can only be used in sync mode HINT: nothing to end: no synchronization of "sensor" has begun (begin with: sync data source sensor)`)
	step.expect("abort sync data source sensor", `ERROR: "abort sync" can only be used after "sync" HINT: `)

	// Pending options take effect with sync, not before.
	step.admin(`alter data source sensor options (set topics '^metadb_sensor_2\.', set consumer_group 'metadb_sensor_2_1')`)
	l.write("metadb_sensor_1", 'u', "", 3, "still read")
	step.await("SELECT count(*) FROM library.patron WHERE name = 'still read'", "[1]")
	step.expect("sync data source sensor with (dry_run)", `Begin synchronization process for data source "sensor"?`)
	step.await("SELECT sync FROM metadb.source", "[0]")
	step.expect("sync data source sensor", "")
	step.expect("sync data source sensor", `ERROR: a synchronization is in progress for data source "sensor" HINT: add "with (restart)" to begin it anew, or use "endsync" or "abort sync"`)
	l.write("metadb_sensor_1", 'u', "", 3, "never read")
	names := map[int64]string{3: "still read", 9: "Renamed"}
	for _, id := range []int64{2, 4, 5, 6, 7, 8} {
		names[id] = fmt.Sprintf("Patron %d", id)
	}
	step.expect("endsync data source sensor", `ERROR: the snapshot is not complete: 0 of 10 rows confirmed HINT: `+
		`add "with (dry_run)" to see what would be ended, "with (force_unconfirmed)" to end it nevertheless`)
	l.snapshot("metadb_sensor_2", names)
	step.log(`source "sensor" snapshot complete (last record received)`)
	l.write("metadb_sensor_2", 'c', "", 20, "New")
	step.await("SELECT count(*) FROM library.patron WHERE id = 20", "[1]")
	step.expect("endsync data source sensor with (dry_run)", "library.patron 11 9 2 (0) (1)")
	step.expect("endsync data source sensor", "library.patron 11 9 2")
	step.log("ending rows: 2 of 2, table library.patron")
	step.await("SELECT id, name, __end > now() - interval '1 hour' AND __end <= now() FROM library.patron__ WHERE NOT __current AND id < 2 ORDER BY id",
		"[0 Patron 0 true] [1 Patron 1 true]")
	// The stream continues, and confirms no rows any more.
	l.write("metadb_sensor_2", 'c', "", 0, "Patron 0")
	step.await("SELECT count(*) FROM library.patron WHERE id = 0", "[1]")
	step.await("SELECT count(*) FROM library.zzz___patron___sync", "[0]")
	step.stop()
}

// TestAbort aborts a resynchronization: no row ends.
func TestAbort(t *testing.T) {
	l, step := synchronized(t)
	step.expect("sync data source sensor", "WARNING: consumer group \"metadb_sensor_1_1\" has read from 1 topic of data source \"sensor\" already\n"+
		"WARNING: only what comes from now on confirms rows: a snapshot that has been read before does not count")
	l.write("metadb_sensor_1", 'c', "", 20, "New")
	step.await("SELECT count(*) FROM library.zzz___patron___sync", "[1]")
	step.run("", "sync", "-D", "data", "--source", "sensor", "--abort", "--force")
	step.await("SELECT count(*) FROM library.zzz___patron___sync", "[0]")
	step.await("SELECT sync, (SELECT count(*) FROM metadb.resync) FROM metadb.source", "[0 0]")
	l.write("metadb_sensor_1", 'c', "", 21, "Newer")
	step.await("SELECT count(*) FROM library.patron", "[12]")
	step.await("SELECT count(*) FROM library.zzz___patron___sync", "[0]")
	step.stop()
}

// TestCommandLineWhileRunning runs the commands of
// docs/spec/06-synchronization.md#the-compatible-procedure with a running server.
func TestCommandLineWhileRunning(t *testing.T) {
	l, step := synchronized(t)
	step.admin(`alter data source sensor options (set topics '^metadb_sensor_2\.', set consumer_group 'metadb_sensor_2_1')`)
	if out, err := step.m.Run(t.Context(), "sync", "-D", "data", "--source", "sensor"); err == nil ||
		!strings.Contains(err.Error(), "a server is running") && !strings.Contains(err.Error(), "running") || !strings.Contains(err.Error(), "use --force") {
		t.Errorf("without a terminal: %s %v", out, err)
	}
	step.run("metadb: data source \"sensor\" is being synchronized: start the new connector\n", "sync", "-D", "data", "--source", "sensor", "--force", "-v")
	l.snapshot("metadb_sensor_2", map[int64]string{0: "Patron 0", 1: "Patron 1"})
	step.log(`source "sensor" snapshot complete (last record received)`)
	step.await("SELECT count(*) FROM library.zzz___patron___sync", "[2]")
	const doubt = "many rows have not been confirmed: 2 of 10 rows confirmed; no terminal is attached to answer whether they should end; use --force-unconfirmed"
	if out, err := step.m.Run(t.Context(), "endsync", "-D", "data", "--source", "sensor", "--force"); err == nil || !strings.Contains(err.Error(), "many rows have not been confirmed: 2 of 10 rows confirmed") {
		t.Errorf("want %s: %s %v", doubt, out, err)
	}
	out, err := step.m.Run(t.Context(), "endsync", "-D", "data", "--source", "sensor", "--force", "--force-unconfirmed", "-v")
	if err != nil || !strings.Contains(out, `data source "sensor" is synchronized`) {
		t.Errorf("%s %v", out, err)
	}
	step.await("SELECT count(*) FROM library.patron", "[2]")
	step.stop()
}

// TestOneTable synchronizes one of two tables with an incremental snapshot, for which only a
// notification shows the end.
func TestOneTable(t *testing.T) {
	l, step := synchronized(t)
	loan := &library{t: t, producer: l.producer, lsn: 100, name: "loan"}
	for id := range int64(4) {
		loan.write("metadb_sensor_1", 'c', "", id, "on loan")
	}
	step.await("SELECT to_regclass('library.loan') IS NOT NULL", "[true]")
	step.await("SELECT count(*) FROM library.loan", "[4]")
	step.expect("sync table library.loan", "ERROR: library.loan is not the name of a main table HINT: library.loan is the current table; name its main table: library.loan__")
	step.expect("endsync table library.loan__",
		`ERROR: "endsync" can only be used in sync mode HINT: nothing to end: no synchronization of table library.loan has begun (begin with: sync table library.loan__)`)
	step.expect("sync table library.patron__", "")
	step.await("SELECT source_sync FROM (SELECT sync AS source_sync FROM metadb.source) s", "[0]")

	// The snapshot lacks patrons 0 and 1, for which the deletes were lost; patron 2 is written by
	// the stream, and loans are as before.
	l.notifyBegin("patron")
	for id := int64(3); id < 10; id++ {
		l.write("metadb_sensor_1", 'r', "incremental", id, fmt.Sprintf("Patron %d", id))
	}
	l.write("metadb_sensor_1", 'u', "", 2, "Renamed")
	loan.write("metadb_sensor_1", 'd', "", 0, "on loan")
	step.await("SELECT count(*) FROM library.zzz___patron___sync", "[8]")
	step.await("SELECT count(*) FROM library.zzz___loan___sync", "[0]")
	step.await("SELECT count(*) FROM library.loan", "[3]")
	// Rows are counted for the first time half a second after the synchronization has begun.
	if err := testbed.Eventually(t.Context(), pace.Hang, "list status", func() error {
		if got := step.admin("list status"); !strings.Contains(got, "8 of 10 rows confirmed") || !strings.Contains(got, "active normal") {
			return fmt.Errorf("got %s", got)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	step.expect("sync table library.patron__", `ERROR: a synchronization is in progress for table library.patron HINT: add "with (restart)" to begin it anew, or use "endsync" or "abort sync"`)
	step.expect("endsync table library.patron__", `ERROR: the snapshot is not complete: 8 of 10 rows confirmed HINT: `+
		`add "with (dry_run)" to see what would be ended, "with (force_unconfirmed)" to end it nevertheless`)
	l.notifyEnd("patron")
	step.log("table library.patron: snapshot complete (notification received)")
	step.expect("endsync table library.patron__ with (dry_run)", "library.patron 10 8 2 (0) (1)")
	step.expect("endsync table library.patron__", "library.patron 10 8 2")
	step.await("SELECT id, name, __end > now() - interval '1 hour' AND __end <= now() FROM library.patron__ WHERE NOT __current ORDER BY id",
		"[0 Patron 0 true] [1 Patron 1 true] [2 Patron 2 false]")
	step.await("SELECT count(*) FROM library.loan", "[3]")
	step.await("SELECT (SELECT count(*) FROM metadb.resync), (SELECT count(*) FROM library.zzz___patron___sync)", "[0 0]")
	l.write("metadb_sensor_1", 'c', "", 0, "Back")
	step.await("SELECT count(*) FROM library.patron", "[9]")

	// An aborted synchronization ends no row; one of the source replaces it.
	step.expect("sync table library.loan__", "")
	step.expect("abort sync table library.loan__", "")
	step.expect("sync table library.loan__", "")
	step.admin("sync data source sensor")
	step.expect("endsync table library.loan__", `ERROR: data source "sensor" is being synchronized, and table library.loan with it HINT: `)
	step.expect("abort sync data source sensor", "")
	step.await("SELECT count(*) FROM metadb.resync", "[0]")
	step.stop()
}
