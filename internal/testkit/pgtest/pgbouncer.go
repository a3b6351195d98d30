package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"metadb/internal/testkit/freeport"
)

// ErrNoPooler is the error if PgBouncer is not installed.
var ErrNoPooler = errors.New("pgbouncer was not found: run \"scripts/install test\"")

// supervisePoolerScript runs a program until standard input ends.
const supervisePoolerScript = `
"$@" </dev/null &
pooler=$!
read -r word
kill -INT "$pooler"
wait "$pooler"
`

// Pooler is a PgBouncer in front of a cluster.
type Pooler struct {
	// Port is the port on 127.0.0.1 for all databases of the cluster.
	Port int
}

// NewPooler starts a PgBouncer for the test, with its defaults except for the mode ("session",
// "transaction" or "statement"). users has the passwords of the admitted users by name.
func NewPooler(t testing.TB, cluster *Cluster, mode string, users map[string]string) *Pooler {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Fatal(ErrNoPooler)
	}
	ports, err := freeport.Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	p := &Pooler{Port: ports[0]}
	dir, err := os.MkdirTemp("", "metadb-pgbouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	config := fmt.Sprintf("[databases]\n* = host=127.0.0.1 port=%d\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"+
		"auth_type = trust\nauth_file = %s/users\npool_mode = %s\nlogfile = %s/log\n", cluster.Port(), p.Port, dir, mode, dir)
	logins := ""
	for name, password := range users {
		logins += strconv.Quote(name) + " " + strconv.Quote(password) + "\n"
	}
	for name, text := range map[string]string{"ini": config, "users": logins} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := cluster.account.ownTree(dir); err != nil {
		t.Fatal(err)
	}
	process := exec.CommandContext(context.WithoutCancel(t.Context()), "/bin/sh", "-c", supervisePoolerScript, "pooler", program, "-q", filepath.Join(dir, "ini"))
	process.SysProcAttr, process.Dir = cluster.account.processAttributes(), dir
	feed, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = feed.Close()
		_ = process.Wait() // its status depends on how it was stopped
	})
	if err := awaitPort(t.Context(), p.Port); err != nil {
		text, _ := os.ReadFile(filepath.Join(dir, "log"))
		t.Fatalf("PgBouncer did not start: %v\n%s", err, text)
	}
	return p
}

// awaitPort waits until a process listens on the port.
func awaitPort(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}
