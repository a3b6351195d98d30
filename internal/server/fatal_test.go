package server

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"metadb/internal/instance"
	"metadb/internal/testkit/freeport"
)

// TestFatal checks that a server which can't start returns the reason, and logs it in its last
// line.
func TestFatal(t *testing.T) {
	i := install(t)
	i.start(t).stop(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	nobody, err := freeport.Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := os.ReadFile(filepath.Join(i.dir, "metadb.conf"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		port   int
		change func(conf string) string
		newer  bool
		says   string
	}{
		"port taken":           {port: taken.Addr().(*net.TCPAddr).Port, says: "is in use by another program: choose another one with --port"},
		"database unreachable": {change: func(c string) string { return withPort(c, nobody[0]) }, says: "no database server answers at 127.0.0.1 port"},
		"no such database": {
			change: func(c string) string { return strings.Replace(c, "database = ", "database = metadb_no_", 1) }, says: "does not exist",
		},
		"no such user": {change: func(c string) string { return strings.Replace(c, "mdbadmin", "nobody", 1) }, says: `"nobody"`},
		"newer database": {
			newer: true, says: "newer than this program's",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := instance.Init(dir); err != nil {
				t.Fatal(err)
			}
			text := string(conf)
			if test.change != nil {
				text = test.change(text)
			}
			if err := os.WriteFile(filepath.Join(dir, "metadb.conf"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if test.newer {
				setVersion(t, i, "dbversion + 1")
				defer setVersion(t, i, "dbversion - 1")
			}
			log := filepath.Join(dir, "metadb.log")
			err := Run(t.Context(), Options{Dir: dir, Log: log, Stderr: &buffer{}, Port: test.port})
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %v, want %q", err, test.says)
			}
			written, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(written)), "\n")
			if last := lines[len(lines)-1]; !strings.Contains(last, "FATAL:  ") || !strings.Contains(last, test.says) {
				t.Errorf("the log ends with %q", last)
			}
		})
	}
}

func setVersion(t *testing.T, i *installation, to string) {
	t.Helper()
	if _, err := i.db.Pool.Exec(t.Context(), "UPDATE metadb.init SET dbversion = "+to); err != nil {
		t.Fatal(err)
	}
}

// withPort replaces the database's port.
func withPort(conf string, port int) string {
	lines := strings.Split(conf, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "port = ") {
			lines[i] = "port = " + strconv.Itoa(port)
		}
	}
	return strings.Join(lines, "\n")
}
