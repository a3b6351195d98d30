//go:build e2e

package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mostExposed is how much systemd-analyze may find wanting in the unit, in tenths:
// 0 is nothing, 100 everything. What it has to have are the network, Unix sockets and
// the names of users.
const mostExposed = "15"

// TestUnit has systemd's own tool check the unit, with a program that is there.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile("systemd/metadb.service")
	if err != nil {
		t.Fatal(err)
	}
	const program = "ExecStart=/usr/local/bin/metadb "
	if !strings.Contains(string(text), program) {
		t.Fatalf("the unit has no %s", program)
	}
	unit := filepath.Join(t.TempDir(), "metadb.service")
	if err := os.WriteFile(unit, []byte(strings.Replace(string(text), program, "ExecStart=/bin/true ", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", "--man=no", unit}, {"security", "--offline=true", "--threshold=" + mostExposed, unit}} {
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", args...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %v: %v\n%s", args, err, out)
		}
	}
}
