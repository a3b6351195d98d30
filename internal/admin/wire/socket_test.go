package wire_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestSocketIsPrivate connects to the socket as another operating-system user, first with the
// file's original mode and then with an open one.
func TestSocketIsPrivate(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		// Only root can become another user. An ordinary user can check the file's mode.
		p := open(t, nil)
		info, err := os.Stat(p.socket())
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%v, %v", info, err)
		}
		return
	}
	p := open(t, nil)
	if err := os.Chmod(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := p.asNobody(); !strings.Contains(got, "Permission denied") {
		t.Error(got)
	}
	if err := os.Chmod(p.socket(), 0o777); err != nil {
		t.Fatal(err)
	}
	if got := p.asNobody(); !strings.Contains(got, "only the operating-system user that runs the server, and root") {
		t.Error(got)
	}
}

func (p *port) socket() string {
	return filepath.Join(p.dir, ".s.PGSQL."+strconv.Itoa(p.server.Addr().Port))
}

// asNobody runs psql as an unprivileged operating-system user.
func (p *port) asNobody() string {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
		"psql", "-X", "-h", p.dir, "-p", strconv.Itoa(p.server.Addr().Port), "-U", "mdbadmin", "-d", "metadb", "-c", "select 1")
	cmd.Env = append(os.Environ(), "HOME=/nonexistent")
	out, _ := cmd.CombinedOutput()
	return string(out)
}
