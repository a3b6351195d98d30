//go:build e2e

package wire_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"metadb/internal/testkit/depcache"
)

// clients is the directory of the client programs and their dependencies.
const clients = "testdata/clients"

// TestPsycopg runs client.py.
func TestPsycopg(t *testing.T) {
	t.Parallel()
	modules := depcache.InstallOnce(t, clients+"/requirements.txt", func(dir string) *exec.Cmd {
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
	modules := depcache.InstallNodeModules(t, clients)
	p := open(t, nil)
	cmd := exec.CommandContext(t.Context(), "node", clients+"/client.mjs", "127.0.0.1", strconv.Itoa(p.server.Addr().Port), systemUser, systemPassword)
	cmd.Env = append(os.Environ(), "CLIENT_MODULES="+modules)
	runClient(t, cmd)
}

// TestPgjdbc runs Client.java, which Java compiles on the way.
func TestPgjdbc(t *testing.T) {
	t.Parallel()
	jars := depcache.InstallOnce(t, clients+"/pom.xml", func(dir string) *exec.Cmd {
		return exec.CommandContext(t.Context(), "mvn", "-q", "-B", "-f", clients+"/pom.xml", "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory="+dir)
	})
	p := open(t, nil)
	url := fmt.Sprintf("jdbc:postgresql://127.0.0.1:%d/metadb", p.server.Addr().Port)
	runClient(t, exec.CommandContext(t.Context(), "java", "-cp", filepath.Join(jars, "*"), clients+"/Client.java", url, systemUser, systemPassword))
}

// runClient runs a program, which prints ok if it succeeds.
func runClient(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "ok\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
