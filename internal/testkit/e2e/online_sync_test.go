//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"metadb/internal/testkit/pace"
)

// signalling adds the requirements of incremental snapshots to a connector: a table of the
// source to which signals are written, and a topic for notifications.
func signalling(p properties) properties {
	p["signal.data.collection"] = "signals.signal"
	p["notification.enabled.channels"] = "sink"
	p["notification.sink.topic.name"] = p["topic.prefix"] + ".notifications"
	p["incremental.snapshot.chunk.size"] = "50"
	return p
}

// partitioned has a connector create topics of several partitions.
func partitioned(p properties) properties {
	p["topic.creation.default.partitions"] = "3"
	p["topic.creation.default.replication.factor"] = "1"
	return p
}

// signals creates the table of signals.
var signals = []string{
	"CREATE SCHEMA signals",
	"CREATE TABLE signals.signal (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048))",
}

// changeRows changes rows of the source all the time, until stop is called.
func changeRows(t *testing.T, s *stack) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var working sync.WaitGroup
	var failure error
	done := 0
	working.Go(func() {
		for ctx.Err() == nil {
			statements := []string{
				fmt.Sprintf("UPDATE library.patron SET visits = visits + 1 WHERE id = md5('%d')::uuid", 100+done%1500),
				fmt.Sprintf("INSERT INTO library.loan VALUES (%d, md5('%d')::uuid, now()) ON CONFLICT DO NOTHING", 100_000+done, done),
				fmt.Sprintf("DELETE FROM library.loan WHERE id = %d", 100_000+done-20),
				fmt.Sprintf("UPDATE library.tag SET tag = 'tag%d' WHERE patron_id = md5('%d')::uuid AND tag LIKE 'tag%%' AND tag <> 'tag2'", 10+done, 50+done%40),
			}
			if done%5 == 0 { // replaces all rows by equal ones
				statements = append(statements, "TRUNCATE library.shelf", "INSERT INTO library.shelf SELECT g, 'v' FROM generate_series(1, 20) g")
			}
			for _, statement := range statements {
				if _, err := s.source.pool.Exec(ctx, statement); err != nil {
					if ctx.Err() == nil {
						failure = fmt.Errorf("%s: %w", statement, err)
					}
					return
				}
			}
			done++
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	return func() {
		cancel()
		working.Wait()
		if failure != nil || done < 10 {
			t.Errorf("only %d transactions were made at the source: %v", done, failure)
		}
	}
}

// readTables reads tables all the time, until stop is called, which fails the test if a reader
// had to wait for longer than a second.
func readTables(t *testing.T, m *metadb) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	longest, failure := time.Duration(0), error(nil)
	reading.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			// One row by its key: only waiting takes long.
			_, err := m.pool.Exec(ctx, "SELECT name FROM library.patron__ WHERE id = md5('14')::uuid AND __current")
			if err == nil {
				_, err = m.pool.Exec(ctx, "SELECT tag FROM library.tag WHERE patron_id = md5('14')::uuid")
			}
			if err != nil && ctx.Err() == nil {
				failure = err
				return
			}
			longest = max(longest, time.Since(began))
			select {
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	return func() {
		t.Helper()
		cancel()
		reading.Wait()
		t.Logf("readers waited for %v at most", longest)
		if failure != nil || longest > pace.Bound(time.Second) {
			t.Errorf("readers waited for %v: %v", longest, failure)
		}
	}
}

// resyncTags synchronizes one table with a snapshot of that kind. The target has three tags
// that the source does not have, as if their deletes were lost.
func resyncTags(t *testing.T, s *stack, m *metadb, kind string) {
	t.Helper()
	for i := range 3 {
		if _, err := m.pool.Exec(t.Context(), `INSERT INTO library.tag (__start, __end, __current, __origin, patron_id, tag)
			VALUES ('2026-01-01', '9999-12-31 00:00:00Z', true, '', md5($1)::uuid, 'lost'||$2)`, fmt.Sprint(i), kind); err != nil {
			t.Fatal(err)
		}
	}
	signal := func(id string) {
		s.source.exec(t, fmt.Sprintf(`INSERT INTO signals.signal VALUES ('%s', 'execute-snapshot', '{"data-collections": ["library.tag"], "type": "%s"}')`, id, kind))
	}
	from := len(m.logged(t))
	if kind == "incremental" {
		// A snapshot already in progress does not count: the table is read again after it.
		const told = "SELECT sum(next_offset)::bigint FROM metadb.stream_position WHERE topic = 'metadb_online_1.notifications'"
		before := value[int](t, m, told)
		signal("earlier")
		eventually(t, jvmLimit, "a snapshot is under way", func() error {
			if value[int](t, m, told) == before {
				return errors.New("nothing is told of it")
			}
			return nil
		})
	}
	m.psql(t, "sync table library.tag__")
	signal(kind)
	m.awaitLog(t, from, "table library.tag: snapshot complete (")
	shown := m.psql(t, "endsync table library.tag__ with (dry_run)")
	// A blocking snapshot is ahead of the stream: changes of key come after it, and rows of the
	// old keys may be shown instead.
	if kind == "incremental" && (!showsLostTags(shown) || !strings.Contains(shown, ",lost"+kind+")")) {
		t.Errorf("%s: the dry run shows %s", kind, shown)
	}
	if !strings.Contains(shown, "library.tag|") {
		t.Errorf("%s: the dry run does not show the table: %s", kind, shown)
	}
	if shown = m.psql(t, "endsync table library.tag__"); kind == "incremental" && !showsLostTags(shown) {
		t.Errorf("%s: endsync shows %s", kind, shown)
	}
	if n := value[int](t, m, fmt.Sprintf("SELECT count(*) FROM library.tag__ WHERE tag = 'lost%s' AND NOT __current AND __end > now() - interval '1 hour'", kind)); n != 3 {
		t.Errorf("%s: %d lost tags have ended, want 3", kind, n)
	}
}

// showsLostTags reports whether a list of endsync has the three lost tags, and no other, as
// unconfirmed, and about 200 tags of the source as confirmed. Changes of key go on meanwhile: the
// delete and the insert of each are in different partitions, so that one may be applied alone
// for a moment, which makes it a row less or more.
func showsLostTags(shown string) bool {
	for confirmed := 190; confirmed <= 210; confirmed++ {
		if strings.Contains(shown, fmt.Sprintf("library.tag|%d|%d|3", confirmed+3, confirmed)) {
			return true
		}
	}
	return false
}

// TestOnlineResync synchronizes one table with an incremental and with a blocking snapshot,
// then the whole source with a new connector, while the source changes, the stream continues
// and readers read. The topics have three partitions, and a table is truncated again and again.
func TestOnlineResync(t *testing.T) {
	s, m := startStack(t), install(t)
	s.source.exec(t, library...)
	s.source.exec(t, signals...)
	s.connect.createConnector(t, "metadb_online_1", partitioned(signalling(s.source.connector("metadb_online_1"))))
	m.start(t)
	m.psql(t, fmt.Sprintf(`create data source sensor type kafka options (brokers '%s', security 'plaintext',
		topics '^metadb_online_1\.', consumer_group 'metadb_online_1_1', schema_stop_filter '^signals$')`, s.broker))
	m.awaitLog(t, 0, `source "sensor" snapshot complete (last record received)`)
	m.psql(t, "endsync data source sensor")
	awaitSourceRows(t, s, m, "the first snapshot arrives")
	reading := readTables(t, m)

	stopWork := changeRows(t, s)
	for _, kind := range []string{"incremental", "blocking"} {
		resyncTags(t, s, m, kind)
	}
	stopWork()
	awaitSourceRows(t, s, m, "changes made during the synchronization of a table arrive")

	// The whole source: the connector fails for good, and a new one begins.
	s.connect.deleteConnector(t, "metadb_online_1")
	s.source.dropSlot(t, "metadb_online_1")
	s.source.exec(t, unrecorded...)
	before := m.rows(t, untouched)
	stopWork = changeRows(t, s)
	m.psql(t, `alter data source sensor options (set topics '^metadb_online_2\.', set consumer_group 'metadb_online_2_1')`)
	from := len(m.logged(t))
	m.psql(t, "sync data source sensor")
	s.connect.createConnector(t, "metadb_online_2", partitioned(signalling(s.source.connector("metadb_online_2"))))
	m.awaitLog(t, from, `source "sensor" snapshot complete (last record received)`)
	vanishedAre(t, m, true, "")
	if status := m.psql(t, "list status"); !strings.Contains(status, "|active|snapshot_complete|") || !strings.Contains(status, " rows confirmed") {
		t.Errorf("list status says %s", status)
	}
	began := value[time.Time](t, m, "SELECT now()")
	t.Logf("endsync:\n%s", m.psql(t, "endsync data source sensor"))
	vanishedAre(t, m, false, began.Format(time.RFC3339Nano))
	s.source.exec(t, after...)
	stopWork()
	awaitSourceRows(t, s, m, "changes made during the synchronization arrive")
	reading()
	if now := m.rows(t, untouched); fmt.Sprint(now) != fmt.Sprint(before) {
		t.Errorf("the version of patron 14, which nobody touched, was %v and is %v", before, now)
	}
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
