package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/instance"
	"metadb/internal/observe/sdnotify"
	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/freeport"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// installation is a data directory and a database, ready for a server.
type installation struct {
	db   *pgtest.DB
	dir  string
	port int
	// notify simulates systemd's socket; nil for no socket.
	notify *sdnotify.Socket
	// hangup simulates SIGHUP; nil for no signal.
	hangup <-chan os.Signal
}

// install creates a data directory for a new database. The system user has no rights yet, as
// after "create role".
func install(t *testing.T) *installation {
	t.Helper()
	return installOn(t, pgtest.New(t))
}

func installOn(t *testing.T, db *pgtest.DB) *installation {
	t.Helper()
	i := &installation{db: db, dir: filepath.Join(t.TempDir(), "data")}
	_, err := i.db.Pool.Exec(t.Context(), "CREATE ROLE mdbadmin LOGIN PASSWORD 'secret'")
	const duplicateObject, uniqueViolation = "42710", "23505" // roles belong to the cluster
	var refused *pgconn.PgError
	switch {
	case err == nil:
	case errors.As(err, &refused) && (refused.Code == duplicateObject || refused.Code == uniqueViolation):
	default:
		t.Fatal(err)
	}
	if err := instance.Init(i.dir); err != nil {
		t.Fatal(err)
	}
	i.configure(t, "")
	ports, err := freeport.Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	i.port = ports[0]
	return i
}

// configure writes metadb.conf with further lines.
func (i *installation) configure(t *testing.T, more string) {
	t.Helper()
	conf := fmt.Sprintf("[main]\nhost = %s\nport = %d\ndatabase = %s\nsystemuser = mdbadmin\nsystemuser_password = secret\nsslmode = disable\n%s",
		i.db.Cluster.Host(), i.db.Cluster.Port(), i.db.Name, more)
	if err := os.WriteFile(filepath.Join(i.dir, "metadb.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace changes metadb.conf.
func (i *installation) replace(t *testing.T, old, text string) {
	t.Helper()
	path := filepath.Join(i.dir, "metadb.conf")
	conf, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(conf), old, text, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// running is a server in this process.
type running struct {
	*installation
	cancel context.CancelFunc
	done   chan struct{}
	err    error
	log    *buffer
}

// buffer is a log that can be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// launch runs a server.
func (i *installation) launch(t *testing.T) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &running{installation: i, cancel: cancel, done: make(chan struct{}), log: &buffer{}}
	go func() {
		defer close(r.done)
		r.err = Run(ctx, Options{Dir: i.dir, Stderr: r.log, Port: i.port, MemLimit: 1, Notify: i.notify, Reopen: i.hangup})
	}()
	t.Cleanup(func() { cancel(); <-r.done })
	return r
}

// start runs a server and waits until it listens.
func (i *installation) start(t *testing.T) *running {
	t.Helper()
	r := i.launch(t)
	t.Cleanup(func() {
		r.stop(t)
		if t.Failed() {
			t.Log(r.log)
		}
	})
	r.await(t, "listen", func() error {
		select {
		case <-r.done:
			t.Fatalf("the server ended: %v", r.err)
		default:
		}
		return r.logged("listening on")
	})
	return r
}

// stop ends the server and returns when it has ended, within seconds.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	began := time.Now()
	<-r.done
	if r.err != nil {
		t.Errorf("the server ended with %v", r.err)
	}
	if took := time.Since(began); took > pace.Bound(5*time.Second) {
		t.Errorf("stopping took %s", took)
	}
}

// awaitLog waits until the log has a text: a line may follow the change that it is about.
func (r *running) awaitLog(t *testing.T, text string) {
	t.Helper()
	r.await(t, "log", func() error { return r.logged(text) })
}

func (r *running) logged(text string) error {
	if !strings.Contains(r.log.String(), text) {
		return fmt.Errorf("the log lacks %q", text)
	}
	return nil
}

func (r *running) await(t *testing.T, what string, condition func() error) {
	t.Helper()
	if err := testbed.Eventually(context.WithoutCancel(t.Context()), pace.Hang, what, condition); err != nil {
		t.Fatalf("%v\n%s", err, r.log)
	}
}

// admin executes a statement on the administration port, over TCP with the password.
func (r *running) admin(t *testing.T, statement string) [][]string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=127.0.0.1 port=%d dbname=metadb user=mdbadmin password=secret sslmode=disable", r.port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	results, err := conn.PgConn().Exec(t.Context(), statement).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	var rows [][]string
	for _, row := range results[len(results)-1].Rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = string(cell)
		}
		rows = append(rows, cells)
	}
	return rows
}

// awaitText waits until a query of the database returns a text.
func (r *running) awaitText(t *testing.T, sql, want string) {
	t.Helper()
	r.await(t, sql, func() error {
		var got string
		if err := r.db.Pool.QueryRow(t.Context(), sql).Scan(&got); err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("got %s, want %s", got, want)
		}
		return nil
	})
}

// feed writes the changes of one table to a broker.
type feed struct {
	t        *testing.T
	broker   *testbed.Broker
	producer *testbed.Producer
	encoder  *eventgen.Encoder
	lsn      uint64
	// attempt is the position at which the snapshot began.
	attempt uint64
}

func newFeed(t *testing.T) *feed {
	t.Helper()
	broker, producer := testbed.StartBroker(t, 1)
	encoder, err := eventgen.NewEncoder(eventgen.Table{
		Prefix: "sensor", Schema: "library", Name: "patron", Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "name", Kind: eventgen.Text}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &feed{t: t, broker: broker, producer: producer, encoder: encoder}
}

func (f *feed) change(op byte, id int64, name, snapshot string) {
	f.t.Helper()
	f.lsn += 8
	lsn := f.lsn
	switch snapshot {
	case "":
	case "incremental":
		lsn = 0
	default: // all rows of a snapshot have the same position
		f.attempt = cmp.Or(f.attempt, lsn)
		lsn = f.attempt
	}
	record, err := f.encoder.Encode(eventgen.Change{
		Op: op, Row: []any{id, name}, LSN: lsn, TxID: int64(lsn), Snapshot: snapshot,
		Time: time.Date(2026, 3, 1, 0, 0, int(f.lsn), 0, time.UTC),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := f.producer.Write(f.t.Context(), record); err != nil {
		f.t.Fatal(err)
	}
}

// source returns the command that creates the data source.
func (f *feed) source() string {
	return fmt.Sprintf(`create data source sensor type kafka options (brokers '%s', security 'plaintext', topics '^sensor\.', consumer_group 'sensor_1')`,
		f.broker.Address())
}

const (
	current  = "SELECT string_agg(id || '=' || name, ' ' ORDER BY id) FROM library.patron"
	versions = "SELECT count(*)::text FROM library.patron__"
)

func instanceConfig(path string) (*instance.Config, error) {
	dir, err := instance.Open(path)
	if err != nil {
		return nil, err
	}
	return dir.Config()
}
