package grudge

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/instance"
	"metadb/internal/server"
	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/freeport"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

const (
	// tables is the number of tables that stream.
	tables = 10
	// analystName and password are the analyst's; accomplice is another user.
	analystName, accomplice, password = "analyst1", "analyst2", "x"
)

// environment is a server with a stream of ten tables, and an analyst.
type environment struct {
	t    *testing.T
	db   *pgtest.DB
	port int
	log  *logBuffer

	producer *testbed.Producer
	sources  []*sourceTable
	lateness *lateness
}

// logBuffer is the server's log.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newWorld starts everything, and returns when all tables exist.
func newWorld(t *testing.T) *environment {
	t.Helper()
	cluster := pgtest.NewClusterFor(t, pgtest.Options{Settings: []string{
		"max_connections = 50", "max_locks_per_transaction = 64", "max_prepared_transactions = 5",
	}})
	broker, producer := testbed.StartBroker(t, 1)
	w := &environment{t: t, db: pgtest.NewOn(t, cluster), log: &logBuffer{}, producer: producer}
	w.startServer()
	w.runCommand(fmt.Sprintf(`create data source lib type kafka options (brokers '%s', security 'plaintext', topics '^lib\.', consumer_group 'lib_1')`, broker.Address()))
	for i := range tables {
		w.sources = append(w.sources, newSource(t, fmt.Sprintf("t%d", i)))
	}
	w.lateness = newLateness(w)
	for _, s := range w.sources {
		w.sendChange(s)
	}
	w.eventually("make the tables", func() error {
		var n int
		if err := w.db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'library' AND tablename ~ '^t[0-9]$'").Scan(&n); err != nil || n < tables {
			return fmt.Errorf("%d tables, %w", n, err)
		}
		return nil
	})
	for _, user := range []string{analystName, accomplice} {
		w.runCommand("create user " + user + " with password '" + password + "'")
		w.runCommand("grant access on all to " + user)
	}
	return w
}

// startServer installs a server and runs it until the test ends.
func (w *environment) startServer() {
	w.t.Helper()
	if _, err := w.db.Pool.Exec(w.t.Context(), "CREATE ROLE mdbadmin LOGIN PASSWORD 'secret'"); err != nil {
		w.t.Fatal(err)
	}
	dir := filepath.Join(w.t.TempDir(), "data")
	if err := instance.Init(dir); err != nil {
		w.t.Fatal(err)
	}
	conf := fmt.Sprintf("[main]\nhost = %s\nport = %d\ndatabase = %s\nsystemuser = mdbadmin\nsystemuser_password = secret\nsslmode = disable\n",
		w.db.Cluster.Host(), w.db.Cluster.Port(), w.db.Name)
	if err := os.WriteFile(filepath.Join(dir, "metadb.conf"), []byte(conf), 0o600); err != nil {
		w.t.Fatal(err)
	}
	ports, err := freeport.Reserve(1)
	if err != nil {
		w.t.Fatal(err)
	}
	w.port = ports[0]
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, server.Options{Dir: dir, Stderr: w.log, Port: w.port, MemLimit: 1}) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the server ended with %v", err)
		}
	})
	w.eventually("start the server", func() error {
		if !strings.Contains(w.log.String(), "listening on") {
			return fmt.Errorf("the log says %s", w.log)
		}
		return nil
	})
}

func (w *environment) eventually(what string, condition func() error) {
	w.t.Helper()
	if err := testbed.Eventually(w.t.Context(), pace.Hang, what, condition); err != nil {
		w.t.Fatalf("%v\n%s", err, w.log)
	}
}

// runCommand runs a command on the administration port, and returns the rows of its result.
func (w *environment) runCommand(command string) [][]string {
	w.t.Helper()
	rows, err := w.tryCommand(w.t.Context(), command)
	if err != nil {
		w.t.Fatalf("%s: %v", command, err)
	}
	return rows
}

func (w *environment) tryCommand(ctx context.Context, command string) ([][]string, error) {
	conn, err := pgx.Connect(ctx, fmt.Sprintf("host=127.0.0.1 port=%d dbname=metadb user=mdbadmin password=secret sslmode=disable", w.port))
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	results, err := conn.PgConn().Exec(ctx, command).ReadAll()
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, row := range results[len(results)-1].Rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = string(cell)
		}
		rows = append(rows, cells)
	}
	return rows, nil
}

// sourceTable creates the changes of one table: column "seq" of its only row counts them.
type sourceTable struct {
	name    string
	mu      sync.Mutex
	encoder *eventgen.Encoder
	seq     int64
	// more is the number of columns that were added later.
	more int
}

func newSource(t *testing.T, name string) *sourceTable {
	t.Helper()
	s := &sourceTable{name: name}
	if err := s.makeEncoder(); err != nil {
		t.Fatal(err)
	}
	return s
}

// makeEncoder creates the encoder for the present columns.
func (s *sourceTable) makeEncoder() error {
	table := eventgen.Table{
		Prefix: "lib", Schema: "library", Name: s.name, Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "seq", Kind: eventgen.BigInt}},
	}
	for i := range s.more {
		table.Columns = append(table.Columns, eventgen.Column{Name: fmt.Sprintf("c%d", i), Kind: eventgen.Text})
	}
	encoder, err := eventgen.NewEncoder(table)
	s.encoder = encoder
	return err
}

// addColumn adds a column from the next change on.
func (s *sourceTable) addColumn() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.more++
	return s.makeEncoder()
}

// nextChange returns the next change.
func (s *sourceTable) nextChange(at time.Time) (eventgen.Record, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	row := []any{int64(1), s.seq}
	for range s.more {
		row = append(row, "x")
	}
	record, err := s.encoder.Encode(eventgen.Change{Op: 'u', Row: row, LSN: uint64(s.seq) * 8, TxID: s.seq, Time: at})
	record.Time = at
	return record, s.seq, err
}

// sendChange writes the next change of a table.
func (w *environment) sendChange(s *sourceTable) {
	at := time.Now()
	record, seq, err := s.nextChange(at)
	if err == nil {
		err = w.producer.Write(w.t.Context(), record)
	}
	if err != nil && w.t.Context().Err() == nil {
		w.t.Errorf("send a change of %s: %v", s.name, err)
		return
	}
	w.lateness.sent(s.name, seq, at)
}
