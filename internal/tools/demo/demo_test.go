//go:build e2e

package demo

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// TestDemoRunsOnceAndLeavesNothing runs `make demo ARGS=--once`.
func TestDemoRunsOnceAndLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	binary := filepath.Join(dir, "metadb")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "metadb/cmd/metadb").CombinedOutput(); err != nil {
		t.Fatalf("build metadb: %v\n%s", err, out)
	}
	// The demo creates its folders here, so that the test can check for remains.
	temporary := filepath.Join(dir, "tmp")
	if err := os.Mkdir(temporary, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, open := range []string{dir, temporary, filepath.Dir(dir)} {
		if err := os.Chmod(open, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TMPDIR", temporary)
	shown, err := os.Create(filepath.Join(dir, "shown"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shown.Close() }()
	if err := Run(t.Context(), Config{Binary: binary, Once: true, Seed: 1, Out: shown}); err != nil {
		text, _ := os.ReadFile(shown.Name())
		t.Fatalf("%v\n%s", err, text)
	}
	left, err := os.ReadDir(temporary)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("the demo left %v", left)
	}
}
