//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"metadb/internal/testkit/freeport"
	"metadb/internal/testkit/testbed"
)

// program is a command that runs until the test ends, and can be killed meanwhile.
type program struct {
	dir, name string
	args      []string
	process   *testbed.Process
}

// start runs a command until it is stopped, or the process of the tests ends.
func start(t *testing.T, dir, name string, args ...string) *program {
	t.Helper()
	p := &program{dir: dir, name: name, args: args}
	p.run(t)
	return p
}

// explain logs the last lines of the program's log, if the test has failed.
func (p *program) explain(t *testing.T) {
	if t.Failed() {
		t.Logf("the end of %s's log:\n%s", p.name, p.process.Tail())
	}
}

func (p *program) run(t *testing.T) {
	t.Helper()
	process, err := testbed.StartProcess(p.dir, p.name, p.args...)
	if err != nil {
		t.Fatal(err)
	}
	p.process = process
}

// kill kills the program with SIGKILL, and starts it again.
func (p *program) kill(t *testing.T) {
	t.Helper()
	supervisor := strconv.Itoa(p.process.Pid())
	children, err := os.ReadFile(filepath.Join("/proc", supervisor, "task", supervisor, "children"))
	if err != nil {
		t.Fatal(err)
	}
	for _, child := range strings.Fields(string(children)) {
		pid, err := strconv.Atoi(child)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.process.Stop(); err != nil {
		t.Fatal(err)
	}
	p.run(t)
}

// freePorts returns different ports without a listener.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports, err := freeport.Reserve(n)
	if err != nil {
		t.Fatal(err)
	}
	return ports
}

// eventually waits until condition returns nil. It fails the test with its last error if that
// takes longer than limit.
func eventually(t *testing.T, limit time.Duration, what string, condition func() error) {
	t.Helper()
	if err := testbed.Eventually(t.Context(), limit, what, condition); err != nil {
		t.Fatal(err)
	}
}
