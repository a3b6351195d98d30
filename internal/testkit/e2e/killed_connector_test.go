//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	"metadb/internal/testkit/pace"
)

// many adds rows enough for a snapshot to take a while.
const many = `INSERT INTO library.loan SELECT g, md5((g % 2000 + 1)::text)::uuid, now() FROM generate_series(10001, 90000) g`

// TestKilled kills the Connect worker and the broker in the middle of a snapshot, and again in
// the middle of that of a resynchronization, while the source changes. While the worker is
// down, rows are deleted, some of which the connector has read already: it begins its snapshot
// anew, and no event has these deletes.
func TestKilled(t *testing.T) {
	t.Parallel()
	s, m := startStackOf(t, 1), install(t)
	s.source.exec(t, library...)
	s.source.exec(t, many)
	m.start(t)
	m.psql(t, fmt.Sprintf(`create data source sensor type kafka options (brokers '%s', security 'plaintext',
		topics '^metadb_sensor_1\.', consumer_group 'metadb_sensor_1_1')`, s.broker))
	stopWork := changeRows(t, s)
	began := len(m.logged(t))
	s.connect.createConnector(t, "metadb_sensor_1", s.source.connector("metadb_sensor_1"))
	s.killConnectWhen(t, m, "SELECT count(*) FROM library.loan",
		`DELETE FROM library.loan WHERE id BETWEEN 10001 AND 10010 OR id BETWEEN 89991 AND 90000`,
		`DELETE FROM library.patron WHERE id IN (md5('11')::uuid, md5('12')::uuid)`)
	s.finish(t, m, began, stopWork, "The first")

	s.connect.deleteConnector(t, "metadb_sensor_1")
	s.source.dropSlot(t, "metadb_sensor_1")
	s.source.exec(t, `DELETE FROM library.patron WHERE id IN (md5('1')::uuid, md5('2')::uuid)`, `DELETE FROM library.loan WHERE id % 10 = 1`)
	stopWork = changeRows(t, s)
	m.psql(t, `alter data source sensor options (set topics '^metadb_sensor_2\.', set consumer_group 'metadb_sensor_2_1')`)
	m.psql(t, "sync data source sensor")
	began = len(m.logged(t))
	s.connect.createConnector(t, "metadb_sensor_2", s.source.connector("metadb_sensor_2"))
	s.killConnectWhen(t, m, "SELECT count(*) FROM library.zzz___loan___sync",
		`DELETE FROM library.loan WHERE id BETWEEN 10012 AND 10020 OR id BETWEEN 89981 AND 89990`,
		`DELETE FROM library.patron WHERE id IN (md5('21')::uuid, md5('22')::uuid)`)
	s.finish(t, m, began, stopWork, "The last")
	if n := value[int](t, m, "SELECT count(*) FROM metadb.rejected_event"); n != 0 {
		t.Errorf("%d events were rejected", n)
	}
}

// finish waits until the connector's second attempt of the snapshot is complete and the last
// change has arrived, ends the synchronization and compares.
func (s *stack) finish(t *testing.T, m *metadb, began int, stopWork func(), last string) {
	t.Helper()
	for _, line := range []string{"the connector began its snapshot anew at", "snapshot complete (last record received)"} {
		if err := m.AwaitLog(t.Context(), pace.Hang, began, line); err != nil {
			t.Fatal(err)
		}
	}
	stopWork()
	s.source.exec(t, fmt.Sprintf(`INSERT INTO library.patron (id, name) VALUES (md5('%[1]s')::uuid, '%[1]s')`, last))
	eventually(t, pace.Hang, "all changes arrive", func() error {
		if n := value[int](t, m, "SELECT count(*) FROM library.patron WHERE name = '"+last+"'"); n != 1 {
			return fmt.Errorf("%d rows", n)
		}
		return nil
	})
	m.psql(t, "endsync data source sensor with (force_unconfirmed)")
	eventually(t, pace.Hang, "the target is what the source is", func() error { return compareSchemas(t.Context(), s.source, m.pool, "library") })
}

// killConnectWhen kills the Connect worker as soon as a query counts a row, in the middle of a
// snapshot, changes the source after that, and kills the broker.
func (s *stack) killConnectWhen(t *testing.T, m *metadb, sql string, gone ...string) {
	t.Helper()
	eventually(t, pace.Hang, "rows come", func() error {
		rows, err := queryTexts(t.Context(), m.pool, "SELECT (("+sql+") >= 1)::text")
		if err != nil {
			return err
		}
		if rows[0][0] != "true" {
			return fmt.Errorf("none yet")
		}
		return nil
	})
	s.connect.kill(t)
	s.source.exec(t, gone...)
	s.kafka.kill(t)
}
