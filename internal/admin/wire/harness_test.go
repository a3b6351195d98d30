package wire_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"metadb/internal/admin/command"
	"metadb/internal/admin/wire"
	"metadb/internal/change"
	"metadb/internal/observe/status"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// These are the test cluster's pools, which live as long as the process.
		goleak.IgnoreAnyFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck"),
		goleak.IgnoreAnyFunction("metadb/internal/testkit/pgtest.NewCluster"))
}

// port is an administration port in front of its own database.
type port struct {
	*pgtest.DB
	t      testing.TB
	server *wire.Server
	// config is the configuration of server.
	config wire.Config
	dir    string
	log    *logBuffer
}

const (
	systemUser     = "mdbadmin"
	systemPassword = "pass word"
	// configRows is the number of rows of "list config" where nothing has been set, listConfig its
	// tag.
	configRows = 7
	listConfig = "SELECT 7"
)

// open opens a port; alter may change its configuration.
func open(t testing.TB, alter func(*wire.Config)) *port {
	t.Helper()
	return openAt(t, pgtest.New(t), alter)
}

// openAt opens a port in front of that database.
func openAt(t testing.TB, db *pgtest.DB, alter func(*wire.Config)) *port {
	t.Helper()
	prepare(t, db)
	p := &port{DB: db, t: t, dir: shortDir(t), log: &logBuffer{}}
	upstream, err := pgconn.ParseConfig(db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	config := wire.Config{
		SocketDir: p.dir,
		Database:  db.Name,
		Upstream:  upstream,
		System:    wire.Role{Name: systemUser, Password: systemPassword},
		Super:     wire.Role{Name: upstream.User, Password: upstream.Password},
		Logger:    slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Executor: command.New(command.Services{
			SourceTypes: []string{"kafka"},
			DB:          db.Pool, Control: idle{}, Logger: slog.New(slog.DiscardHandler),
			Status: active(),
			Super:  func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, db.ConnString) },
		}),
		FailureDelay: time.Millisecond,
	}
	if alter != nil {
		alter(&config)
	}
	p.config = config
	server, err := wire.Listen(config)
	if err != nil {
		t.Fatal(err)
	}
	p.server = server
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return p
}

// prepare creates the system schema, and the system user with the rights that the tests need.
func prepare(t testing.TB, db *pgtest.DB) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if err := metaschema.Ensure(t.Context(), conn, "test"); err != nil {
		t.Fatal(err)
	}
	const role = `
do $$
begin
	create role mdbadmin login password 'pass word' createrole;
exception when duplicate_object or unique_violation then null;
end $$`
	for _, sql := range []string{
		role, "grant all on schema metadb, public to mdbadmin", "grant all on all tables in schema metadb to mdbadmin",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}

// shortDir returns a directory with a path that is short enough for a socket.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pgwire")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// url returns the connection string for TCP.
func (p *port) url(user, password string) string {
	return "host=127.0.0.1 port=" + strconv.Itoa(p.server.Addr().Port) + " dbname=metadb sslmode=disable user=" + user +
		" password='" + password + "'"
}

// connect connects pgx as the system user.
func (p *port) connect() *pgx.Conn {
	p.t.Helper()
	conn, err := pgx.Connect(p.t.Context(), p.url(systemUser, systemPassword))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// psql runs psql over the Unix socket and returns its output, including errors.
func (p *port) psql(input string, args ...string) string {
	p.t.Helper()
	args = append([]string{"-X", "-h", p.dir, "-p", strconv.Itoa(p.server.Addr().Port), "-d", "metadb"}, args...)
	return run(p.t, input, args...)
}

// run runs psql.
func run(t testing.TB, input string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "psql", args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Env = append(os.Environ(), "PGPASSWORD=", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out)
}

// active returns the state of one busy source.
func active() *status.Registry {
	registry := &status.Registry{}
	source := registry.Source("sensor")
	source.SetStream(status.Active, "")
	source.SetLag(7)
	source.Applied(12, 0, time.Date(2026, 11, 22, 6, 1, 54, 120e6, time.UTC))
	return registry
}

// idle is a controller without streams.
type idle struct{}

func (idle) StartSource(context.Context, string) error { return nil }
func (idle) StopSource(context.Context, string) error  { return nil }
func (idle) SetOrigins([]change.Origin)                {}

// logBuffer stores the log.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
