//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// stopLimit limits the time in which a server stops.
const stopLimit = 15 * time.Second

// metadb is an installation; errors of its methods fail the test.
type metadb struct {
	*testbed.Metadb
	pool *pgxpool.Pool
}

// install builds the binary and installs it with its own database.
func install(t *testing.T) *metadb {
	t.Helper()
	dir, db := t.TempDir(), pgtest.New(t)
	binary := filepath.Join(dir, "metadb")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "metadb/cmd/metadb")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build metadb: %v\n%s", err, out)
	}
	m, err := testbed.Install(t.Context(), binary, dir, db.Cluster, db.Name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			log, err := m.Log()
			t.Logf("the server's log (%v):\n%s", err, log)
		}
	})
	return &metadb{Metadb: m, pool: db.Pool}
}

// run runs a command that has to succeed.
func (m *metadb) run(t *testing.T, args ...string) {
	t.Helper()
	if _, err := m.Run(t.Context(), args...); err != nil {
		t.Fatal(err)
	}
}

// start starts the server and waits until it listens.
func (m *metadb) start(t *testing.T) {
	t.Helper()
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// stop stops the server with "metadb stop", which returns when the server has stopped.
func (m *metadb) stop(t *testing.T) {
	t.Helper()
	began := time.Now()
	m.run(t, "stop", "-D", "data")
	if took := time.Since(began); took > pace.Bound(stopLimit) {
		t.Errorf("stopping the server took %v", took)
	}
	if err := testbed.CheckListening(m.Port); err == nil {
		t.Error("the server still listens after metadb stop")
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// logged returns the log's text.
func (m *metadb) logged(t *testing.T) string {
	t.Helper()
	text, err := m.Log()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// awaitLog waits until the log contains text after its first offset bytes.
func (m *metadb) awaitLog(t *testing.T, offset int, text string) {
	t.Helper()
	if err := m.AwaitLog(t.Context(), pace.Hang, offset, text); err != nil {
		t.Fatal(err)
	}
}

// psql runs one statement on the administration port, through the Unix socket in the data
// directory, and returns unaligned rows without headers.
func (m *metadb) psql(t *testing.T, statement string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1",
		"-h", m.DataDir(), "-p", strconv.Itoa(m.Port), "-d", "metadb", "-c", statement)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("psql: %v: %s\n%s", err, statement, out)
	}
	return string(out)
}

// rows returns the rows of a query as texts.
func (m *metadb) rows(t *testing.T, sql string, args ...any) [][]string {
	t.Helper()
	rows, err := queryTexts(t.Context(), m.pool, sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// value returns the single value of a query.
func value[T any](t *testing.T, m *metadb, sql string, args ...any) T {
	t.Helper()
	rows, err := m.pool.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}
