//go:build e2e

package bench

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBenchmarkMeasuresWhatItSays runs the benchmark on few rows: it verifies by
// itself that every row, update and confirmation has happened.
func TestBenchmarkMeasuresWhatItSays(t *testing.T) {
	dir := t.TempDir()
	metadb, self := filepath.Join(dir, "metadb"), filepath.Join(dir, "bench")
	for binary, program := range map[string]string{metadb: "metadb/cmd/metadb", self: "metadb/internal/bench/cmd"} {
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, program).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", program, err, out)
		}
	}
	var shown strings.Builder
	config := Config{Binary: metadb, Self: self, Rows: 3_000, Updates: 5_000, Compression: "none", Out: &shown}
	if err := Run(t.Context(), config); err != nil {
		t.Fatalf("%v\n%s", err, shown.String())
	}
	for _, line := range []string{"raw COPY, plain table", "snapshot", "updates", "identical rows in a resync", "endsync of 3000 rows, 300 of them gone"} {
		if !strings.Contains(shown.String(), line) {
			t.Errorf("the table has no line %q:\n%s", line, shown.String())
		}
	}
}
