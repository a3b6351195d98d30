package dbsession

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/instance"
	"metadb/internal/target/pgcode"
)

// DescribeConnectError returns an error with the cause of a failed connection and the remedy.
func DescribeConnectError(config *instance.Config, role instance.Role, err error) error {
	at := fmt.Sprintf("%s port %d", config.Host, config.Port)
	key := "superuser"
	if role == config.SystemUser {
		key = "systemuser"
	}
	var refused *pgconn.PgError
	var lookup *net.DNSError
	var old *VersionError
	var encoded *EncodingError
	switch {
	case errors.As(err, &old), errors.As(err, &encoded):
		return err
	case errors.As(err, &refused):
		return refusalError(config, role, key, refused)
	case errors.As(err, &lookup):
		return fmt.Errorf("the database host %q is not known: check host in metadb.conf", config.Host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no database server answers at %s: check host and port in metadb.conf, and whether PostgreSQL is running", at)
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH),
		errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err):
		return fmt.Errorf("the database server at %s can't be reached: check host and port in metadb.conf, and the network", at)
	case strings.Contains(err.Error(), "server refused TLS connection"):
		return fmt.Errorf("the database server at %s does not offer TLS: switch it on there, or set sslmode in metadb.conf (it is %s)",
			at, config.SSLMode)
	}
	return fmt.Errorf("connect to the database at %s as %q: %w", at, role.Name, err)
}

// describedError is PostgreSQL's error in other words.
type describedError struct {
	text string
	err  error
}

func (e *describedError) Error() string { return e.text }

// Unwrap returns PostgreSQL's error.
func (e *describedError) Unwrap() error { return e.err }

// PoolError returns the error of a query through the pool, described by DescribeConnectError if
// the pool could not connect.
func PoolError(config *instance.Config, err error) error {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return DescribeConnectError(config, config.SystemUser, err)
	}
	return err
}

// IsUnusable reports whether an error would occur for every table: the database is
// unreachable, has no free connection, or is a standby.
func IsUnusable(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return !ok || refused.Code == pgcode.ReadOnlySQLTransaction || refused.SeverityUnlocalized == "FATAL" || refused.SeverityUnlocalized == "PANIC"
}

// refusalError returns an error with the remedy for a connection that the database server
// refused.
func refusalError(config *instance.Config, role instance.Role, key string, refused *pgconn.PgError) error {
	switch refused.Code {
	case pgcode.InvalidPassword:
		if role.Password == "" {
			return fmt.Errorf("the database asks for a password for %q: set %s_password in metadb.conf", role.Name, key)
		}
		return fmt.Errorf("the database refuses the password of %q: check %s and %s_password in metadb.conf", role.Name, key, key)
	case pgcode.InvalidAuthorizationSpecification:
		return fmt.Errorf("the database does not let %q in (%s): check %s in metadb.conf, and pg_hba.conf of the database server",
			role.Name, refused.Message, key)
	case pgcode.InvalidCatalogName:
		return fmt.Errorf("the database %q does not exist: create it, or check database in metadb.conf", config.Database)
	case pgcode.InsufficientPrivilege:
		return fmt.Errorf("%q may not connect to the database %q: %s", role.Name, config.Database, refused.Message)
	case pgcode.TooManyConnections:
		return &describedError{text: "the database server has no connection left: " + refused.Message, err: refused}
	case pgcode.ProtocolViolation:
		return fmt.Errorf("what answers at %s port %d refuses the connection of %q (%s), as connection poolers do: have host and port in metadb.conf name the database server itself, or a pooler in session mode",
			config.Host, config.Port, role.Name, refused.Message)
	}
	text := fmt.Sprintf("connect to the database %q as %q: %s (SQLSTATE %s)", config.Database, role.Name, refused.Message, refused.Code)
	return &describedError{text: text, err: refused}
}
