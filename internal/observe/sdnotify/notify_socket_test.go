package sdnotify_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"metadb/internal/observe/sdnotify"
)

// environment returns a getenv of variables.
func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestSocket(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = systemd.Close() }()
	socket, err := sdnotify.Open(environment(map[string]string{"NOTIFY_SOCKET": name}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	for _, test := range []struct {
		send func() error
		want string
	}{
		{socket.Ready, "READY=1"},
		{socket.Alive, "WATCHDOG=1"},
		{socket.Stopping, "STOPPING=1"},
		{func() error { return socket.Starting(time.Minute) }, "EXTEND_TIMEOUT_USEC=60000000"},
		// A line feed would begin another assignment.
		{func() error { return socket.Status("broken:\nREADY=1") }, "STATUS=broken: READY=1"},
	} {
		if err := test.send(); err != nil {
			t.Fatal(err)
		}
		message := make([]byte, 200)
		n, err := systemd.Read(message)
		if got := string(message[:n]); err != nil || got != test.want {
			t.Errorf("got %q, %v, want %q", got, err, test.want)
		}
	}
	_ = systemd.Close()
	if err := socket.Alive(); err == nil {
		t.Error("nobody listens any more, and there is no error")
	}
}

func TestNobodyAsked(t *testing.T) {
	socket, err := sdnotify.Open(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := socket.Ready(); err != nil {
		t.Error(err)
	}
	if socket.Watchdog() != 0 {
		t.Error("a watchdog without systemd")
	}
	if err := socket.Close(); err != nil {
		t.Error(err)
	}
}

func TestNoSuchSocket(t *testing.T) {
	if _, err := sdnotify.Open(environment(map[string]string{"NOTIFY_SOCKET": filepath.Join(t.TempDir(), "none")})); err == nil {
		t.Error("no error")
	}
}

func TestWatchdog(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = systemd.Close() }()
	for _, test := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"", "", 0},
		{"30000000", "", 30 * time.Second},
		{"30000000", strconv.Itoa(os.Getpid()), 30 * time.Second},
		{"30000000", "1", 0},
		{"soon", "", 0},
		{"-1", "", 0},
	} {
		socket, err := sdnotify.Open(environment(map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": test.usec, "WATCHDOG_PID": test.pid}))
		if err != nil {
			t.Fatal(err)
		}
		if got := socket.Watchdog(); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
		_ = socket.Close()
	}
}
