//go:build e2e

package pgwire_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// clients is where the programs of this test are, and what they need.
const clients = "testdata/clients"

// TestPsycopg runs client.py.
func TestPsycopg(t *testing.T) {
	t.Parallel()
	modules := fetch(t, "requirements.txt", func(dir string) *exec.Cmd {
		return exec.CommandContext(t.Context(), "sh", "-ec",
			`python3 -m venv "$0"; "$0/bin/pip" install -q --disable-pip-version-check --no-deps --target "$0/modules" -r "$1"`, dir, clients+"/requirements.txt")
	})
	p := open(t, nil)
	cmd := exec.CommandContext(t.Context(), "python3", clients+"/client.py", p.url(systemUser, systemPassword))
	cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(modules, "modules"))
	runClient(t, cmd)
}

// TestNodePostgres runs client.mjs.
func TestNodePostgres(t *testing.T) {
	t.Parallel()
	modules := fetch(t, "package-lock.json", func(dir string) *exec.Cmd {
		return exec.CommandContext(t.Context(), "sh", "-ec",
			`cp "$1/package.json" "$1/package-lock.json" "$0"; cd "$0"; npm ci --silent --no-audit --no-fund`, dir, clients)
	})
	p := open(t, nil)
	cmd := exec.CommandContext(t.Context(), "node", clients+"/client.mjs", "127.0.0.1", strconv.Itoa(p.server.Addr().Port), systemUser, systemPassword)
	cmd.Env = append(os.Environ(), "CLIENT_MODULES="+modules)
	runClient(t, cmd)
}

// TestPgjdbc runs Client.java, which Java compiles on the way.
func TestPgjdbc(t *testing.T) {
	t.Parallel()
	jars := fetch(t, "pom.xml", func(dir string) *exec.Cmd {
		return exec.CommandContext(t.Context(), "mvn", "-q", "-B", "-f", clients+"/pom.xml", "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory="+dir)
	})
	p := open(t, nil)
	url := fmt.Sprintf("jdbc:postgresql://127.0.0.1:%d/metadb", p.server.Addr().Port)
	runClient(t, exec.CommandContext(t.Context(), "java", "-cp", filepath.Join(jars, "*"), clients+"/Client.java", url, systemUser, systemPassword))
}

// runClient runs a program that says ok if all is well.
func runClient(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "ok\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// fetch returns a folder that install has filled with what a file of clients
// names. It stays in the user's cache directory, under the file's hash, so that
// another version is another folder.
func fetch(t *testing.T, file string, install func(dir string) *exec.Cmd) string {
	t.Helper()
	pinned, err := os.ReadFile(filepath.Join(clients, file))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(pinned)
	dir := filepath.Join(cache, "metadb", "clients", hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "part-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(part) }()
	t.Logf("fetching what %s names, once", file)
	if out, err := install(part).CombinedOutput(); err != nil {
		t.Fatalf("fetch what %s names: %v\n%s", file, err, out)
	}
	// Another test process may have been faster: its folder is as good.
	if err := os.Rename(part, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	return dir
}
