package chaos

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// usage has the resources that the server uses.
type usage struct {
	// memory is resident memory in bytes.
	memory                         int64
	files, goroutines, connections int
}

func (u usage) String() string {
	return fmt.Sprintf("%d MB, %d files, %d goroutines, %d connections to the database", u.memory>>20, u.files, u.goroutines, u.connections)
}

func (u usage) most(other usage) usage {
	return usage{max(u.memory, other.memory), max(u.files, other.files), max(u.goroutines, other.goroutines), max(u.connections, other.connections)}
}

// usage reads the server's usage from the kernel, its metrics and the database.
func (w *environment) usage() usage {
	w.t.Helper()
	pid, err := w.metadb.Pid()
	if err != nil {
		w.t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "fd"))
	if err != nil {
		w.t.Fatal(err)
	}
	u := usage{files: len(files), memory: int64(w.metric("process_resident_memory_bytes")), goroutines: int(w.metric("go_goroutines"))}
	if err := w.scan("SELECT count(*) FROM pg_stat_activity WHERE usename = 'mdbadmin'", &u.connections); err != nil {
		w.t.Fatal(err)
	}
	return u
}

// metric returns one of the server's metrics.
func (w *environment) metric(name string) float64 {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/metrics", w.metadb.HTTPPort), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			number, err := strconv.ParseFloat(value, 64)
			if err != nil {
				w.t.Fatal(err)
			}
			return number
		}
	}
	w.t.Fatalf("the server has no metric %s", name)
	return 0
}
