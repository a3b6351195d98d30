//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// stack has the systems before Metadb: source, broker and connector.
type stack struct {
	source *source
	// broker is the address of Kafka, kafka the program.
	broker  string
	kafka   *program
	connect *connectWorker
}

// sharedStack has the broker and the Connect worker of the tests that kill neither, since
// starting them takes longer than many a test. They stop after all tests.
var sharedStack struct {
	once sync.Once
	dir  string
	*stack
}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func stopShared() error {
	if sharedStack.stack == nil {
		return nil
	}
	return errors.Join(sharedStack.connect.process.Stop(), sharedStack.kafka.process.Stop(), os.RemoveAll(sharedStack.dir))
}

// startStack returns the shared broker and Connect worker with a new source. The test chooses
// unique names of connectors and topics.
func startStack(t *testing.T) *stack {
	t.Helper()
	return joinStack(t, startSource(t))
}

// joinStack is startStack for a source that has been started.
func joinStack(t *testing.T, source *source) *stack {
	t.Helper()
	sharedStack.once.Do(func() {
		dir, err := os.MkdirTemp("", "metadb-e2e-")
		if err != nil {
			t.Fatal(err)
		}
		sharedStack.dir, sharedStack.stack = dir, run(t, dir, 1)
	})
	if sharedStack.stack == nil {
		t.Fatal("broker and Connect worker have not started")
	}
	s := *sharedStack.stack
	s.source = source
	t.Cleanup(func() { s.explain(t) })
	return &s
}

// startStackOf starts a broker that creates topics of so many partitions, a Connect worker and
// a source. They stop with the test.
func startStackOf(t *testing.T, partitions int) *stack {
	t.Helper()
	source := startSource(t)
	s := run(t, t.TempDir(), partitions)
	s.source = source
	t.Cleanup(func() {
		if err := errors.Join(s.connect.process.Stop(), s.kafka.process.Stop()); err != nil {
			t.Error(err)
		}
		s.explain(t)
	})
	return s
}

// run starts a broker and a Connect worker.
func run(t *testing.T, dir string, partitions int) *stack {
	t.Helper()
	lib := fetchJars(t)
	broker, kafka := startBroker(t, lib, dir, partitions)
	return &stack{broker: broker, kafka: kafka, connect: startConnect(t, lib, dir, broker)}
}

func (s *stack) explain(t *testing.T) {
	s.kafka.explain(t)
	s.connect.explain(t)
}
