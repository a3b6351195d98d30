package sdnotify

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Socket is where systemd listens. A nil Socket is that of a process that nobody
// asked to notify: it takes everything and does nothing.
type Socket struct {
	conn     net.Conn
	watchdog time.Duration
}

// Open returns the socket that the environment names, nil if it names none.
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

// watchdogTimeout returns after how much silence systemd ends this process, 0 for
// never.
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

// Watchdog returns after how much silence systemd ends this process, 0 for
// never.
func (s *Socket) Watchdog() time.Duration {
	if s == nil {
		return 0
	}
	return s.watchdog
}

// Ready says that the service does its work.
func (s *Socket) Ready() error { return s.sendMessage("READY=1") }

// Alive says that the process is not stuck.
func (s *Socket) Alive() error { return s.sendMessage("WATCHDOG=1") }

// Stopping says that the process is about to end.
func (s *Socket) Stopping() error { return s.sendMessage("STOPPING=1") }

// Starting says that being ready may take so much longer, from now.
func (s *Socket) Starting(patience time.Duration) error {
	return s.sendMessage("EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(patience.Microseconds(), 10))
}

// Status says in one line how the process is doing, for "systemctl status".
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
