//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"metadb/internal/testkit/pace"
)

// tail is a table that is read after all others, for long enough to interrupt its reading.
var tail = []string{
	"CREATE TABLE library.zplay (id integer PRIMARY KEY, v text)",
	"INSERT INTO library.zplay SELECT g, md5(g::text) FROM generate_series(1, 100000) g",
}

// goneWhileRead deletes the lowest and the highest keys of a table that has been read already,
// and low ones of the table that is being read.
var goneWhileRead = []string{
	`DELETE FROM library.loan WHERE id IN (SELECT id FROM library.loan ORDER BY id LIMIT 3)
		OR id IN (SELECT id FROM library.loan ORDER BY id DESC LIMIT 3)`,
	"DELETE FROM library.zplay WHERE id IN (SELECT id FROM library.zplay ORDER BY id LIMIT 100)",
}

// TestSnapshotBegunAnew stops the connector in the middle of its snapshot, and restarts its
// task in the middle of the next attempt, as a rebalance does, in a first snapshot and in that
// of a resynchronization. Meanwhile rows that were read are deleted, without an event in any
// attempt or in the stream: endsync ends exactly these.
func TestSnapshotBegunAnew(t *testing.T) {
	t.Parallel()
	s, m := startStack(t), install(t)
	s.source.exec(t, library...)
	s.source.exec(t, tail...)
	m.start(t)
	m.psql(t, fmt.Sprintf(`create data source sensor type kafka options (brokers '%s', security 'plaintext',
		topics '^metadb_anew_1\.', consumer_group 'metadb_anew_1_1')`, s.broker))
	s.interrupt(t, m, "metadb_anew_1", "SELECT count(*) FROM library.zplay")

	s.connect.deleteConnector(t, "metadb_anew_1")
	s.source.dropSlot(t, "metadb_anew_1")
	s.source.exec(t, goneWhileRead...)
	m.psql(t, `alter data source sensor options (set topics '^metadb_anew_2\.', set consumer_group 'metadb_anew_2_1')`)
	m.psql(t, "sync data source sensor")
	s.interrupt(t, m, "metadb_anew_2", confirmedPlays)
}

// confirmedPlays counts the rows that the present attempt has confirmed.
const confirmedPlays = `SELECT count(*) FROM library.zzz___zplay___sync s
 WHERE age(s.xmin) <= (SELECT coalesce(min(age(since::xid)), 2147483647) FROM metadb.confirmed_since)`

// interrupt has a connector begin its snapshot three times, and compares after endsync. reading
// counts the rows of the first attempt.
func (s *stack) interrupt(t *testing.T, m *metadb, name, reading string) {
	t.Helper()
	const anew = "the connector began its snapshot anew at"
	config := s.source.connector(name)
	config["snapshot.fetch.size"] = "500"
	began := len(m.logged(t))
	s.connect.createConnector(t, name, config)
	m.awaitRows(t, reading)

	s.connect.changeState(t, http.MethodPut, name, "stop")
	s.connect.awaitStopped(t, name)
	s.source.exec(t, goneWhileRead...)
	s.connect.changeState(t, http.MethodPut, name, "resume")
	m.awaitLog(t, began, anew)
	m.awaitRows(t, confirmedPlays)

	second := len(m.logged(t))
	s.source.exec(t, goneWhileRead...)
	s.connect.changeState(t, http.MethodPost, name, "restart?includeTasks=true")
	m.awaitLog(t, second, anew)
	m.awaitLog(t, second, `source "sensor" snapshot complete (last record received)`)
	m.psql(t, "endsync data source sensor")
	if err := compareSchemas(t.Context(), s.source, m.pool, "library"); err != nil {
		t.Fatal(err)
	}
}

// awaitRows waits until a query counts more than a thousand rows.
func (m *metadb) awaitRows(t *testing.T, counting string) {
	t.Helper()
	eventually(t, pace.Hang, "rows come", func() error {
		n, err := queryTexts(t.Context(), m.pool, "SELECT (("+counting+") > 1000)::text")
		if err != nil {
			return err
		}
		if n[0][0] != "true" {
			return fmt.Errorf("too few yet")
		}
		return nil
	})
}

// changeState has a connector stop, resume or restart.
func (c *connectWorker) changeState(t *testing.T, method, name, what string) {
	t.Helper()
	if err := c.request(t, method, "/connectors/"+name+"/"+what, nil, nil); err != nil {
		t.Fatalf("%s connector %s: %v", what, name, err)
	}
}

// awaitStopped waits until a connector is stopped and has no task.
func (c *connectWorker) awaitStopped(t *testing.T, name string) {
	t.Helper()
	eventually(t, pace.Hang, "connector "+name+" stops", func() error {
		var status struct {
			Connector struct{ State string }
			Tasks     []struct{ State string }
		}
		if err := c.request(t, http.MethodGet, "/connectors/"+name+"/status", nil, &status); err != nil {
			return err
		}
		if status.Connector.State != "STOPPED" || len(status.Tasks) > 0 {
			return fmt.Errorf("it is %+v", status)
		}
		return nil
	})
}
