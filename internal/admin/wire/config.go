package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/admin/admission"
	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
)

// Executor parses and executes commands.
type Executor interface {
	// Parse splits a query string into commands and SQL.
	Parse(d lang.Dialect, query string) []lang.Statement
	Exec(ctx context.Context, command lang.Command) (*command.Result, error)
}

var _ Executor = (*command.Executor)(nil)

// Role is a database role that people log in as.
type Role struct{ Name, Password string }

// Config configures the port: its addresses, the roles that may log in, the database and the
// executor.
type Config struct {
	// Host is the address to listen on with TCP, 127.0.0.1 if empty. An
	// address that is not loopback needs TLS, and excludes Trust.
	Host string
	// Port is the TCP port, and part of the Unix socket's name. If it is 0, the system selects a
	// port: see [Server.Addr].
	Port int
	// SocketDir is the directory of the Unix socket, .s.PGSQL.PORT. If it is empty, there is no
	// socket.
	SocketDir string
	// TLS offers encryption, if it is not nil.
	TLS *tls.Config
	// Trust accepts every client that connects over loopback, with the rights of the system user.
	Trust bool

	// Database is the database name that clients may use, beside "metadb".
	Database string
	// Upstream is the configuration of connections to the database. User and password are replaced
	// by those of the session's role.
	Upstream *pgconn.Config
	// System and Super are the roles that may log in over TCP. A role without a password can't.
	System, Super Role

	Executor Executor
	Logger   *slog.Logger

	// MaxSessions limits the concurrent sessions; 0 means 300. Three more are reserved for the Unix
	// socket.
	MaxSessions int
	// Pending limits the clients that have not logged in, on each listener; zero
	// means 200, of them 20 from one address and 150 from this machine.
	Pending admission.Limits
	// GreetingTimeout bounds the time from the connection to the startup packet; 0 means 10 s.
	GreetingTimeout time.Duration
	// StartupTimeout bounds the time from the connection to the end of the login; 0 means 30 s.
	StartupTimeout time.Duration
	// FailureDelay delays the answer to a failed login, and is multiplied by the number of recent
	// failures, up to ten; 0 means one second.
	FailureDelay time.Duration
	// DigestInterval is the interval at which the log has the counts of refusals and logins that
	// are not logged one by one; 0 means a minute.
	DigestInterval time.Duration
}

// withDefaults returns the configuration with defaults for zero values, and checks it.
func (c Config) withDefaults() (Config, error) {
	if c.Host == "" {
		c.Host = "127.0.0.1"
	}
	if c.MaxSessions == 0 {
		c.MaxSessions = 300
	}
	if c.Pending == (admission.Limits{}) {
		c.Pending = admission.Limits{All: 200, Address: 20, Local: 150}
	}
	if c.StartupTimeout == 0 {
		c.StartupTimeout = 30 * time.Second
	}
	if c.GreetingTimeout == 0 {
		c.GreetingTimeout = 10 * time.Second
	}
	c.GreetingTimeout = min(c.GreetingTimeout, c.StartupTimeout)
	if c.FailureDelay == 0 {
		c.FailureDelay = time.Second
	}
	loopback, err := isLoopback(c.Host)
	switch {
	case err != nil:
		return c, err
	case !loopback && c.Trust:
		return c, fmt.Errorf("admin_auth = trust is for loopback only: admin_listen is %q", c.Host)
	case !loopback && c.TLS == nil:
		return c, fmt.Errorf("listening on %q needs TLS: set admin_tls_cert and admin_tls_key", c.Host)
	case c.Upstream == nil || c.Executor == nil || c.Logger == nil:
		return c, errors.New("the administration port lacks its database, executor or logger")
	}
	return c, nil
}

// address returns host:port.
func (c *Config) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// isLoopback reports whether every address of the host is a loopback address.
func isLoopback(host string) (bool, error) {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback(), nil
	}
	addresses, err := net.LookupIP(host)
	if err != nil {
		return false, fmt.Errorf("admin_listen %q is no address: %w", host, err)
	}
	for _, ip := range addresses {
		if !ip.IsLoopback() {
			return false, nil
		}
	}
	return true, nil
}
