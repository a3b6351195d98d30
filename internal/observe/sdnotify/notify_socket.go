package sdnotify

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Socket is systemd's notification socket. The methods of a nil Socket, which is that of a process
// without NOTIFY_SOCKET, do nothing.
type Socket struct {
	conn     net.Conn
	watchdog time.Duration
}

// Open returns the socket that the environment names, nil if it names no socket.
func Open(getenv func(string) string) (*Socket, error) {
	name := getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil, nil
	}
	conn, err := net.Dial("unixgram", name)
	if err != nil {
		return nil, fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	return &Socket{conn: conn, watchdog: watchdogTimeout(getenv)}, nil
}

// watchdogTimeout returns the time without [Socket.Alive] after which systemd ends this process, 0
// if it never does.
func watchdogTimeout(getenv func(string) string) time.Duration {
	if pid := getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 {
		return 0
	}
	return time.Duration(usec) * time.Microsecond
}

// Watchdog returns the time without [Socket.Alive] after which systemd ends this process, 0 if it
// never does.
func (s *Socket) Watchdog() time.Duration {
	if s == nil {
		return 0
	}
	return s.watchdog
}

// Ready reports that the service has started.
func (s *Socket) Ready() error { return s.sendMessage("READY=1") }

// Alive reports that the process is not stuck.
func (s *Socket) Alive() error { return s.sendMessage("WATCHDOG=1") }

// Stopping reports that the process is about to end.
func (s *Socket) Stopping() error { return s.sendMessage("STOPPING=1") }

// Starting extends the timeout of the start to patience from now.
func (s *Socket) Starting(patience time.Duration) error {
	return s.sendMessage("EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(patience.Microseconds(), 10))
}

// Status reports the state of the process in one line, for "systemctl status".
func (s *Socket) Status(line string) error {
	return s.sendMessage("STATUS=" + strings.Join(strings.Fields(line), " "))
}

// Close closes the socket.
func (s *Socket) Close() error {
	if s == nil {
		return nil
	}
	return s.conn.Close()
}

func (s *Socket) sendMessage(message string) error {
	if s == nil {
		return nil
	}
	if _, err := s.conn.Write([]byte(message)); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	return nil
}
