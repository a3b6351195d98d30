//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"metadb/internal/testkit/pace"
)

// library is the content of the source before Metadb reads it.
var library = []string{
	`CREATE SCHEMA library`,
	`CREATE TABLE library.patrongroup (id integer PRIMARY KEY, groupname text, description text)`,
	`CREATE TABLE library.patron (id uuid PRIMARY KEY, patrongroup_id integer, name varchar(80), active boolean,
		balance numeric(12,2), expires date, created timestamptz, changed timestamp, preferences jsonb, notes text, visits smallint)`,
	`CREATE TABLE library.tag (patron_id uuid, tag text, PRIMARY KEY (patron_id, tag))`,
	`CREATE TABLE library.loan (id bigint PRIMARY KEY, patron_id uuid, due timestamptz)`,
	`CREATE TABLE library.retired (id integer PRIMARY KEY, v text)`,
	`CREATE TABLE library.shelf (id integer PRIMARY KEY, v text)`,
	`INSERT INTO library.patrongroup VALUES (1, 'undergrad', 'Student'), (2, 'graduate', 'Student'), (3, 'faculty', NULL), (4, 'staff', 'Staff')`,
	// Notes are long and do not compress, so that they are stored out of line.
	`INSERT INTO library.patron SELECT md5(g::text)::uuid, g % 4 + 1, 'Patron ' || g, g % 3 > 0, g * -0.25, date '2026-01-01' + g,
		timestamptz '2024-01-01 00:00:00.123456Z' + g * interval '1 hour', timestamp '2025-01-01' + g * interval '1 minute',
		jsonb_build_object('no', g, 'tags', jsonb_build_array('ü', NULL, 1.50)),
		CASE g % 5 WHEN 0 THEN (SELECT string_agg(md5((g * 1000 + i)::text), '') FROM generate_series(1, 120) i) END, g % 100
		FROM generate_series(1, 2000) g`,
	`INSERT INTO library.tag SELECT md5(g::text)::uuid, 'tag' || t FROM generate_series(1, 100) g, generate_series(1, 2) t`,
	`INSERT INTO library.loan SELECT g, md5((g % 2000 + 1)::text)::uuid, timestamptz '2026-02-01Z' + g * interval '1 minute' FROM generate_series(1, 1000) g`,
	`INSERT INTO library.retired SELECT g, 'v' FROM generate_series(1, 30) g`,
	`INSERT INTO library.shelf SELECT g, 'v' FROM generate_series(1, 20) g`,
}

// streamed are changes that are streamed as they happen.
var streamed = []string{
	`UPDATE library.patron SET name = name || ' (seen)', active = NOT active WHERE patrongroup_id = 1 AND visits < 50`,
	`DELETE FROM library.patron WHERE id = md5('60')::uuid`,
	`UPDATE library.patrongroup SET description = 'Employee' WHERE id = 4`,
	`UPDATE library.patron SET id = md5('new key')::uuid WHERE id = md5('5')::uuid`,
	`INSERT INTO library.loan SELECT g, md5(g::text)::uuid, NULL FROM generate_series(1001, 1050) g`,
	`BEGIN; UPDATE library.loan SET due = now() WHERE id = 7; UPDATE library.loan SET due = NULL WHERE id = 7; DELETE FROM library.loan WHERE id = 8; COMMIT`,
}

// unrecorded are changes that happen while no connector runs.
var unrecorded = []string{
	`INSERT INTO library.patron SELECT md5(g::text)::uuid, 2, 'Missed ' || g, true, 0, NULL, now(), NULL, '{}', NULL, 1 FROM generate_series(2001, 2005) g`,
	`UPDATE library.patron SET balance = balance + 1 WHERE patrongroup_id = 2`,
	`DELETE FROM library.patron WHERE id IN (md5('1')::uuid, md5('2')::uuid, md5('3')::uuid)`,
	`DELETE FROM library.tag WHERE tag = 'tag2' AND patron_id < '40000000-0000-0000-0000-000000000000'`,
	`TRUNCATE library.retired`,
	`INSERT INTO library.retired VALUES (2, 'back')`,
	`ALTER TABLE library.patron ADD email text`,
	`UPDATE library.patron SET email = name || '@example.org' WHERE patrongroup_id = 4`,
	`ALTER TABLE library.patron ALTER visits TYPE integer`,
	`UPDATE library.patron SET visits = 70000 WHERE id = md5('7')::uuid`,
	`ALTER TABLE library.patrongroup DROP description`,
	`UPDATE library.patrongroup SET groupname = 'alumni' WHERE id = 2`,
	`CREATE TABLE library.branch (code text PRIMARY KEY, open time)`,
	`INSERT INTO library.branch VALUES ('main', '08:30'), ('east', NULL)`,
}

// after are changes that the new connector streams after its snapshot.
var after = []string{
	`INSERT INTO library.patron (id, name, balance) VALUES (md5('after')::uuid, 'After', 1.10)`,
	`DELETE FROM library.patron WHERE id = md5('4')::uuid`,
	`UPDATE library.patron SET balance = -1 WHERE id = md5('10')::uuid`,
}

// vanished are rows of the target with deletes that were not streamed; a count of 0 stands for
// any number above 0.
var vanished = []struct {
	table, where string
	count        int
}{
	{"patron", "name IN ('Patron 1', 'Patron 2', 'Patron 3')", 3},
	{"tag", "tag = 'tag2' AND patron_id < '40000000-0000-0000-0000-000000000000'", 0},
	{"retired", "id <> 2", 29},
}

// untouched selects the version of a row that never changed after the first snapshot.
const untouched = "SELECT __id::text, __start::text FROM library.patron WHERE name = 'Patron 14'"

// awaitSourceRows waits until the target has the rows of the source.
func awaitSourceRows(t *testing.T, s *stack, m *metadb, what string) {
	t.Helper()
	eventually(t, pace.Hang, what, func() error { return compareSchemas(t.Context(), s.source, m.pool, "library") })
}

// TestResync follows docs/spec/06-synchronization.md#the-compatible-procedure word for word,
// while the source changes: during both snapshots, and while Metadb is stopped.
func TestResync(t *testing.T) {
	t.Parallel()
	s, m := startStack(t), install(t)
	s.source.exec(t, library...)
	stopWork := changeRows(t, s)
	s.connect.createConnector(t, "metadb_resync_1", s.source.connector("metadb_resync_1"))

	m.start(t)
	m.psql(t, fmt.Sprintf(`create data source sensor type kafka options (brokers '%s', security 'plaintext',
		topics '^metadb_resync_1\.', consumer_group 'metadb_resync_1_1')`, s.broker))
	m.awaitLog(t, 0, `source "sensor" snapshot complete (last record received); consider running "metadb endsync"`)
	m.stop(t)
	m.run(t, "endsync", "-D", "data", "--source", "sensor", "--force")
	m.start(t)
	s.source.exec(t, streamed...)
	stopWork()
	awaitSourceRows(t, s, m, "the first snapshot and changes arrive")
	if got := value[int](t, m, "SELECT count(*) FROM library.loan__ WHERE id = 7 AND NOT __current"); got != 2 {
		t.Errorf("loan 7 has %d earlier versions, want 2: both changes of one transaction", got)
	}

	// The stream is lost: the connector and its slot are deleted, and the source continues
	// without them.
	s.connect.deleteConnector(t, "metadb_resync_1")
	s.source.dropSlot(t, "metadb_resync_1")
	s.source.exec(t, unrecorded...)
	before := m.rows(t, untouched)
	stopWork = changeRows(t, s)

	s.connect.createConnector(t, "metadb_resync_2", s.source.connector("metadb_resync_2"))
	m.psql(t, `alter data source sensor options (set topics '^metadb_resync_2\.', set consumer_group 'metadb_resync_2_1');`)
	m.stop(t)
	shown, err := runTyped(t, "y\n", m.Command(t.Context(), "sync", "-D", "data", "--source", "sensor"))
	if err != nil || !strings.Contains(shown, `Begin synchronization process for data source "sensor"? `) {
		t.Fatalf("metadb sync: %v\n%s", err, shown)
	}
	restarted := len(m.logged(t))
	m.start(t)
	m.awaitLog(t, restarted, `source "sensor" snapshot complete (last record received); consider running "metadb endsync"`)
	s.source.exec(t, after...)
	eventually(t, pace.Hang, "changes after the snapshot arrive", func() error {
		if n := value[int](t, m, "SELECT count(*) FROM library.patron WHERE name = 'After'"); n != 1 {
			return fmt.Errorf("%d rows", n)
		}
		if n := value[int](t, m, "SELECT count(*) FROM library.patron WHERE balance = -1 AND id = md5('10')::uuid"); n != 1 {
			return fmt.Errorf("%d rows", n)
		}
		return nil
	})
	if status := m.psql(t, "list status"); !strings.Contains(status, "snapshot_complete") {
		t.Errorf("list status does not say snapshot_complete: %s", status)
	}
	m.stop(t)
	vanishedAre(t, m, true, "")
	began := value[time.Time](t, m, "SELECT now()")
	shown, err = runTyped(t, "y\n", m.Command(t.Context(), "endsync", "-D", "data", "--source", "sensor"))
	if err != nil {
		t.Fatalf("metadb endsync: %v\n%s", err, shown)
	}
	vanishedAre(t, m, false, began.Format(time.RFC3339Nano))
	if now := m.rows(t, untouched); fmt.Sprint(now) != fmt.Sprint(before) {
		t.Errorf("the version of patron 14, which nobody touched, was %v and is %v", before, now)
	}

	m.start(t)
	stopWork()
	awaitSourceRows(t, s, m, "changes made during the resync arrive")
	s.source.exec(t, `UPDATE library.patron SET notes = NULL WHERE name LIKE 'Patron 1%'`)
	awaitSourceRows(t, s, m, "changes after the resync arrive")
	if status := m.psql(t, "list status"); !strings.Contains(status, "|active|normal|") {
		t.Errorf("after the resync list status says %s", status)
	}
	m.stop(t)
	for _, level := range []string{"ERROR", "FATAL"} {
		if strings.Contains(m.logged(t), level+":") {
			t.Errorf("the log has an %s:\n%s", level, m.logged(t))
		}
	}
	if n := value[int](t, m, "SELECT count(*) FROM metadb.rejected_event"); n != 0 {
		t.Errorf("%d events were rejected", n)
	}
}

// vanishedAre checks that the vanished rows are current, or that they ended at the time of the
// command.
func vanishedAre(t *testing.T, m *metadb, current bool, since string) {
	t.Helper()
	for _, rows := range vanished {
		sql := "SELECT count(*) FROM library." + rows.table + "__ WHERE __current AND " + rows.where
		if !current {
			sql = "SELECT count(*) FROM library." + rows.table + "__ WHERE NOT __current AND __end >= '" + since + "' AND " + rows.where
		}
		got := value[int](t, m, sql)
		if rows.count > 0 && got != rows.count || got == 0 {
			t.Errorf("%s: %d vanished rows, want %d (current: %v)", rows.table, got, rows.count, current)
		}
	}
}
