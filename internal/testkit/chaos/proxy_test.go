package chaos

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// startSlowProxy forwards connections to an address and delays all data sent there, like a
// distant database. It returns its own port.
func startSlowProxy(t *testing.T, address string, latency time.Duration) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections sync.WaitGroup
	context.AfterFunc(t.Context(), func() { _ = listener.Close() })
	t.Cleanup(connections.Wait)
	connections.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { forward(t.Context(), client, address, latency) })
		}
	})
	return listener.Addr().(*net.TCPAddr).Port
}

// forward connects a client with an address until one of them, or the context, ends.
func forward(ctx context.Context, client net.Conn, address string, latency time.Duration) {
	server, err := net.Dial("tcp", address)
	if err != nil {
		_ = client.Close()
		return
	}
	stop := context.AfterFunc(ctx, func() { _, _ = client.Close(), server.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(server, &slowReader{client, latency})
		_ = server.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	both.Wait()
}

// slowReader delays the data that it reads.
type slowReader struct {
	io.Reader
	latency time.Duration
}

func (l *slowReader) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	<-time.After(l.latency)
	return n, err
}
