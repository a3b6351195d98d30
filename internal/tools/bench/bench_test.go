//go:build e2e

package bench

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBenchmarkMeasuresWhatItSays runs the benchmark on few rows. The benchmark itself verifies
// every row, update and confirmation.
func TestBenchmarkMeasuresWhatItSays(t *testing.T) {
	dir := t.TempDir()
	metadb, self := filepath.Join(dir, "metadb"), filepath.Join(dir, "bench")
	for binary, program := range map[string]string{metadb: "metadb/cmd/metadb", self: "metadb/internal/tools/bench/cmd"} {
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, program).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", program, err, out)
		}
	}
	for part, lines := range map[string][]string{
		"": {
			"raw COPY, plain table", "snapshot", "updates, one statement", "identical rows in a resync", "endsync of 3000 rows, 300 of them gone", "inserts, updates, deletes; hot keys",
			"documents, four mappings, updates", "8 tables of 4 partitions, updates", "30 tables in turn, rows of 0.1 KB", "latency at 500 events/s, p99", "idle, server", "What limits now, with processors busy",
		},
		"large": {"updates at random keys of 6000 rows"},
	} {
		var shown strings.Builder
		config := Config{
			Binary: metadb, Self: self, Rows: 3_000, Updates: 5_000, Large: 6_000, Tables: 30, Rate: 500, Steady: time.Second, Compression: "none", Only: part, Results: dir, Out: &shown,
		}
		if err := Run(t.Context(), config); err != nil {
			t.Fatalf("%v\n%s", err, shown.String())
		}
		for _, line := range lines {
			if !strings.Contains(shown.String(), line) {
				t.Errorf("there is no %q:\n%s", line, shown.String())
			}
		}
	}
}
