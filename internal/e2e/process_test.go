//go:build e2e

package e2e

import (
	"testing"
	"time"

	"metadb/internal/rig"
)

// start runs a command until the test ends.
func start(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	process, err := rig.StartProcess(dir, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the end of %s's log:\n%s", name, process.Tail())
		}
	})
}

// freePorts returns ports that nothing listens on, all different.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports, err := rig.FreePorts(n)
	if err != nil {
		t.Fatal(err)
	}
	return ports
}

// eventually waits until condition returns nil and fails the test with its last
// error if that takes longer than limit.
func eventually(t *testing.T, limit time.Duration, what string, condition func() error) {
	t.Helper()
	if err := rig.Eventually(t.Context(), limit, what, condition); err != nil {
		t.Fatal(err)
	}
}
