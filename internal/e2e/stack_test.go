//go:build e2e

package e2e

import (
	"testing"
)

// stack is everything that stands before Metadb: source, broker and connector.
type stack struct {
	source *source
	// broker is where Kafka listens, kafka the program.
	broker  string
	kafka   *program
	connect *connect
}

// startStack starts source, broker and Connect worker. They stop with the test.
func startStack(t *testing.T) *stack {
	t.Helper()
	return stackBehind(t, startSource(t), 1)
}

// startStackOf is startStack with so many partitions a topic.
func startStackOf(t *testing.T, partitions int) *stack {
	t.Helper()
	return stackBehind(t, startSource(t), partitions)
}

// stackBehind starts broker and Connect worker for a source, with so many partitions a
// topic.
func stackBehind(t *testing.T, source *source, partitions int) *stack {
	t.Helper()
	lib, dir := jars(t), t.TempDir()
	broker, kafka := startBroker(t, lib, dir, partitions)
	return &stack{source: source, broker: broker, kafka: kafka, connect: startConnect(t, lib, dir, broker)}
}
