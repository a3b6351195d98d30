package wire

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// maxSocketPath is the length of a Unix socket's path on Linux, without its
// terminating null: sockaddr_un(7).
const maxSocketPath = 107

// listenTCP listens on the configured address.
func listenTCP(c *Config) (net.Listener, error) {
	network := "tcp"
	if ip := net.ParseIP(c.Host); ip != nil && ip.To4() != nil {
		// With "tcp", 0.0.0.0 would include all addresses of IPv6.
		network = "tcp4"
	}
	listener, err := net.Listen(network, c.address())
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d is in use by another program: choose another one with --port, or stop that program", c.Port)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", c.address(), err)
	}
	return listener, nil
}

// listenUnix listens on the socket in the data directory, with the name that libpq expects. It
// replaces a socket of an earlier run: the lock of the data directory ensures that no process uses
// it. It returns nil without an error if the path is too long for a socket.
func listenUnix(c *Config, port int) (net.Listener, error) {
	path := filepath.Join(c.SocketDir, ".s.PGSQL."+strconv.Itoa(port))
	if len(path) > maxSocketPath {
		c.Logger.Warn(fmt.Sprintf("no Unix socket: the path %s is longer than %d bytes", path, maxSocketPath))
		return nil, nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the socket of an earlier run: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect the socket: %w", err), listener.Close())
	}
	return listener, nil
}
