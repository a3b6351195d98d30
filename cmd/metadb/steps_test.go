package main

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// library is a source table with ten patrons, of which connectors take snapshots.
type library struct {
	t        *testing.T
	producer *testbed.Producer
	lsn      uint64
	// attempts are the positions of the last snapshot of each connector, which all of its records
	// have.
	attempts map[string]uint64
	// name is the name of the table; empty for patron.
	name string
}

// begin begins a snapshot of a connector, or begins it anew.
func (l *library) begin(prefix string) {
	if l.attempts == nil {
		l.attempts = make(map[string]uint64)
	}
	l.lsn++
	l.attempts[prefix] = l.lsn
}

// position returns the position of the next record: rows of incremental snapshots have no lsn,
// those of other snapshots have that of its begin.
func (l *library) position(prefix, mark string) (lsn uint64, at time.Time) {
	moment := func(lsn uint64) time.Time { return time.Date(2026, 3, 1, 0, 0, int(lsn), 0, time.UTC) }
	switch {
	case mark == "incremental":
		l.lsn++
		return 0, moment(l.lsn)
	case mark != "":
		if l.attempts[prefix] == 0 {
			l.begin(prefix)
		}
		return l.attempts[prefix], moment(l.attempts[prefix])
	}
	l.lsn++
	return l.lsn, moment(l.lsn)
}

// notifyBegin writes Debezium's notification that an incremental snapshot of a table
// begins.
func (l *library) notifyBegin(table string) {
	l.t.Helper()
	l.notify(`"STARTED","additional_data":{"data_collections":"library.` + table + `"}`)
}

// notifyEnd writes Debezium's notification that it is complete.
func (l *library) notifyEnd(table string) {
	l.t.Helper()
	l.notify(`"TABLE_SCAN_COMPLETED","additional_data":{"scanned_collection":"library.` + table + `","data_collections":"library.` + table + `"}`)
}

func (l *library) notify(said string) {
	l.t.Helper()
	err := l.producer.Write(l.t.Context(), eventgen.Record{Topic: "metadb_sensor_1.notifications", Value: []byte(
		`{"schema":{"type":"struct","fields":[{"type":"string","field":"id"}],"name":"io.debezium.connector.common.Notification"},` +
			`"payload":{"id":"1","aggregate_type":"Incremental Snapshot","timestamp":1,"type":` + said + `}}`)})
	if err != nil {
		l.t.Fatal(err)
	}
}

// snapshot writes the rows as a new connector's snapshot: a name for each id.
func (l *library) snapshot(prefix string, names map[int64]string) {
	l.t.Helper()
	l.begin(prefix)
	n := 0
	for id, name := range names {
		n++
		mark := "true"
		if n == len(names) {
			mark = "last"
		}
		l.write(prefix, 'r', mark, id, name)
	}
}

// write writes one event.
func (l *library) write(prefix string, op byte, mark string, id int64, name string) {
	l.t.Helper()
	encoder, err := eventgen.NewEncoder(eventgen.Table{
		Prefix: prefix, Schema: "library", Name: cmp.Or(l.name, "patron"), Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "name"}},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	lsn, at := l.position(prefix, mark)
	record, err := encoder.Encode(eventgen.Change{Op: op, Row: []any{id, name}, LSN: lsn, TxID: int64(lsn), Snapshot: mark, Time: at})
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.producer.Write(l.t.Context(), record); err != nil {
		l.t.Fatal(err)
	}
}

// newLostStream returns a source and an installation.
func newLostStream(t *testing.T) (*library, *steps) {
	t.Helper()
	return newLostStreamOn(t, pgtest.New(t))
}

// newLostStreamOn is newLostStream with an existing database.
func newLostStreamOn(t *testing.T, db *pgtest.DB) (*library, *steps) {
	t.Helper()
	m := installOn(t, db)
	broker, producer := testbed.StartBroker(t, 1)
	l := &library{t: t, producer: producer}
	return l, &steps{t: t, m: m, db: db, broker: broker.Address()}
}

// steps are the actions of an administrator, each of which must succeed.
type steps struct {
	t  *testing.T
	m  *testbed.Metadb
	db *pgtest.DB
	// broker is the address of the broker.
	broker string
	// logged is the length of the log at the last start of the server.
	logged int
}

func (s *steps) start() {
	s.t.Helper()
	text, _ := s.m.Log()
	s.logged = len(text)
	if err := s.m.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *steps) stop() {
	s.t.Helper()
	if err := s.m.Stop(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// create creates the data source of the first connector.
func (s *steps) create() {
	s.t.Helper()
	err := s.m.Exec(s.t.Context(), fmt.Sprintf(`create data source sensor type kafka options (brokers '%s', security 'plaintext',
		topics '^metadb_sensor_1\.', consumer_group 'metadb_sensor_1_1')`, s.broker))
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *steps) exec(sql string) {
	s.t.Helper()
	if _, err := s.db.Pool.Exec(s.t.Context(), sql); err != nil {
		s.t.Fatal(err)
	}
}

// log waits for a line since the last start.
func (s *steps) log(text string) {
	s.t.Helper()
	if err := s.m.AwaitLog(s.t.Context(), pace.Hang, s.logged, text); err != nil {
		s.t.Fatal(err)
	}
}

// run runs a command and compares its output.
func (s *steps) run(want string, args ...string) {
	s.t.Helper()
	got, err := s.m.Run(s.t.Context(), args...)
	if err != nil {
		s.t.Fatal(err)
	}
	if got != want {
		s.t.Errorf("metadb %s printed\n%s\nwant\n%s", strings.Join(args, " "), got, want)
	}
}

// query returns the rows of a query.
func (s *steps) query(sql string) string {
	s.t.Helper()
	rows, err := s.db.Pool.Query(s.t.Context(), sql)
	if err != nil {
		s.t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return fmt.Sprint(values), err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Join(found, " ")
}

// await waits until a query returns the wanted rows.
func (s *steps) await(sql, want string) {
	s.t.Helper()
	err := testbed.Eventually(s.t.Context(), pace.Hang, sql, func() error {
		if got := s.query(sql); got != want {
			return fmt.Errorf("got %s, want %s", got, want)
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}
