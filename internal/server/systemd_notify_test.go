package server

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"metadb/internal/observe/sdnotify"
	"metadb/internal/observe/status"
	"metadb/internal/testkit/pace"
)

// openSystemd simulates systemd: it listens on a Unix socket, to which socket is connected.
func openSystemd(t *testing.T) (systemd *net.UnixConn, socket *sdnotify.Socket) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = systemd.Close() })
	socket, err = sdnotify.Open(func(variable string) string { return map[string]string{"NOTIFY_SOCKET": name}[variable] })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return systemd, socket
}

// awaitMessage reads messages until one is among those wanted, and returns it.
func awaitMessage(t *testing.T, systemd *net.UnixConn, wanted ...string) string {
	t.Helper()
	if err := systemd.SetReadDeadline(time.Now().Add(pace.Hang)); err != nil {
		t.Fatal(err)
	}
	for {
		buffer := make([]byte, 500)
		size, err := systemd.Read(buffer)
		if err != nil {
			t.Fatalf("none of %q: %v", wanted, err)
		}
		if message := string(buffer[:size]); slices.Contains(wanted, message) {
			return message
		}
	}
}

// TestReadyWhenTheStreamRuns starts a server that has a source, without and with its broker.
func TestReadyWhenTheStreamRuns(t *testing.T) {
	const ready, stopping = "READY=1", "STOPPING=1"
	i, f := install(t), newFeed(t)
	f.change('c', 1, "Ada", "")
	r := i.start(t)
	r.admin(t, f.source())
	r.awaitText(t, current, "1=Ada")
	r.stop(t)

	systemd, socket := openSystemd(t)
	i.notify = socket
	r = i.start(t)
	awaitMessage(t, systemd, ready)
	r.stop(t)
	awaitMessage(t, systemd, stopping)

	f.broker.Close()
	r = i.start(t)
	// The stream is in error, and the start timeout is extended.
	if got := awaitMessage(t, systemd, ready, "STATUS=sensor: error, snapshot"); got == ready {
		t.Error("ready without a broker")
	}
	if got := awaitMessage(t, systemd, ready, "EXTEND_TIMEOUT_USEC=30000000"); got == ready {
		t.Error("ready without a broker")
	}
	r.stop(t)
}

// TestNotify checks the notifications about one stream.
func TestNotify(t *testing.T) {
	systemd, socket := openSystemd(t)
	registry := &status.Registry{}
	source := registry.Source("library")
	trouble := errors.New("starting")
	n := &notifier{socket: socket, reports: registry.Reports, ready: func(context.Context) error { return trouble }}
	told := func(want ...string) {
		t.Helper()
		if err := n.notifyOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, message := range want {
			buffer := make([]byte, 500)
			size, err := systemd.Read(buffer)
			if got := string(buffer[:size]); err != nil || got != message {
				t.Errorf("got %q, %v, want %q", got, err, message)
			}
		}
	}
	source.SetStream(status.Starting, "")
	told("WATCHDOG=1", "EXTEND_TIMEOUT_USEC=30000000", "STATUS=library: starting")
	told("WATCHDOG=1", "EXTEND_TIMEOUT_USEC=30000000")
	trouble = nil
	source.SetStream(status.Active, "")
	source.SetLag(12)
	told("WATCHDOG=1", "READY=1", "STATUS=library: active, 12 events behind")
	// A later failure does not change readiness.
	trouble = errors.New("the broker is away")
	source.SetStream(status.Error, "the broker is away")
	told("WATCHDOG=1", "STATUS=library: error, 12 events behind")
	// The end is notified.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.run(ctx); err != nil {
		t.Fatal(err)
	}
	told("WATCHDOG=1", "STOPPING=1", "WATCHDOG=1")
}
