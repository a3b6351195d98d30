package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/wire"
	"metadb/internal/testkit/pace"
)

// dial opens a bare TCP connection.
func (p *port) dial() net.Conn {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.server.Addr().String())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// raw connects over the Unix socket, which needs no password, and reads up to the first
// ReadyForQuery.
func (p *port) raw(t testing.TB) (net.Conn, *pgproto3.Frontend) {
	t.Helper()
	conn, err := net.Dial("unix", p.socket())
	if err != nil {
		t.Fatal(err)
	}
	frontend := pgproto3.NewFrontend(conn, conn)
	frontend.Send(&pgproto3.StartupMessage{
		ProtocolVersion: pgproto3.ProtocolVersion32,
		Parameters:      map[string]string{"user": "x", "database": "metadb", "_pq_.unknown": "1"},
	})
	if err := frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	if message, err := frontend.Receive(); err != nil {
		t.Fatal(err)
	} else if _, ok := message.(*pgproto3.NegotiateProtocolVersion); !ok {
		t.Fatalf("%T instead of NegotiateProtocolVersion", message)
	}
	for {
		message, err := frontend.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := message.(*pgproto3.ReadyForQuery); ok {
			return conn, frontend
		}
	}
}

// TestGarbage sends bytes that are no messages, before and after the startup. Other sessions are
// not affected.
func TestGarbage(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.StartupTimeout = 3 * time.Second })
	healthy, err := pgx.Connect(t.Context(), fmt.Sprintf("host=%s port=%d dbname=metadb user=x", p.dir, p.server.Addr().Port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = healthy.Close(context.Background()) }()
	for _, garbage := range []string{
		"", "\x00", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x7f\xff\xff\xff\x00\x03\x00\x00", "\x00\x00\x00\x08\x00\x02\x00\x00",
		"\x00\x00\x00\x09\x00\x03\x00\x00\x00", "\x00\x00\x00\x00", "\x00\x00\x00\x10\x04\xd2\x16\x2e\x00\x00\x00\x01\x00\x00\x00\x02",
		strings.Repeat("\x00\x00\x00\x08\x04\xd2\x16\x2f", 10), strings.Repeat("\x00\x00\x00\x08\x04\xd2\x16\x30", 10),
	} {
		conn := p.dial()
		if _, err := conn.Write([]byte(garbage)); err != nil {
			t.Fatal(err)
		}
		drain(t, conn)
	}
	for _, garbage := range []string{
		"\x00\x00\x00\x00\x04", "Q\x7f\xff\xff\xff", "Q\x00\x00\x00\x03", "Q\x00\x00\x00\x06xx", "p\x00\x00\x00\x04", "P\x00\x00\x00\x05x", "B\x00\x00\x00\x04",
		"D\x00\x00\x00\x04", "C\x00\x00\x00\x05S",
	} {
		conn, _ := p.raw(t)
		if _, err := conn.Write([]byte(garbage)); err != nil {
			t.Fatal(err)
		}
		if half, ok := conn.(*net.UnixConn); ok {
			if err := half.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		drain(t, conn)
		if err := query(healthy, "list status", pgx.QueryExecModeDescribeExec); err != nil {
			t.Fatal(err)
		}
	}
}

// drain reads until the server closes the connection.
func drain(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(pace.Hang)); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, conn)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		t.Fatal("the server did not close the connection")
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestTooManyClients opens as many sessions as the limit allows.
func TestTooManyClients(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.MaxSessions = 2 })
	first := p.connect()
	p.connect()
	_, err := pgconn.Connect(t.Context(), p.url(systemUser, systemPassword))
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "53300" {
		t.Fatal(err)
	}
	// Further sessions are reserved for the Unix socket.
	var reserved []net.Conn
	for range 3 {
		conn, _ := p.raw(t)
		reserved = append(reserved, conn)
	}
	if got := p.psql("select 1"); !strings.Contains(got, "sorry, too many clients already") {
		t.Error(got)
	}
	for _, conn := range reserved {
		_ = conn.Close()
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A session ends as soon as the server has noticed that the client left.
	for {
		conn, err := pgconn.Connect(t.Context(), p.url(systemUser, systemPassword))
		if err == nil {
			if err := conn.Close(t.Context()); err != nil {
				t.Error(err)
			}
			return
		}
		if !errors.As(err, &pg) || pg.Code != "53300" {
			t.Fatal(err)
		}
	}
}

// TestShutdown stops the server while clients are idle, run a query, and don't read.
func TestShutdown(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.SocketDir = "" })
	config := p.config
	server, err := wire.Listen(config)
	if err != nil {
		t.Fatal(err)
	}
	p.server = server
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	idle, busy := p.connect(), p.connect()
	failed := make(chan error, 1)
	go func() { failed <- query(busy, "select pg_sleep(600) as busy", pgx.QueryExecModeSimpleProtocol) }()
	p.await("select count(*) = 1 from pg_stat_activity where query = 'select pg_sleep(600) as busy' and wait_event = 'PgSleep'")
	p.dial()
	stop()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	wantCode(t, pgx.QueryExecModeSimpleProtocol, "57P01", <-failed)
	if err := query(idle, "list status", pgx.QueryExecModeSimpleProtocol); err == nil {
		t.Error("an idle session goes on")
	}
	p.await(`select count(*) = 0 from pg_stat_activity where query = 'select pg_sleep(600) as busy' and state = 'active'`)
}

// TestDatabaseEndsSession checks the message to the client when the database ends the session's
// connection.
func TestDatabaseEndsSession(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	conn := p.connect()
	var pid int
	if err := conn.QueryRow(t.Context(), "select pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Pool.Exec(t.Context(), "select pg_terminate_backend($1)", pid); err != nil {
		t.Fatal(err)
	}
	if err := query(conn, "select 1", pgx.QueryExecModeSimpleProtocol); err == nil {
		t.Error("the session goes on")
	}
}
