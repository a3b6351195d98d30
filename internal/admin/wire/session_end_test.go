package wire_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/wire"
	"metadb/internal/testkit/pace"
)

// encrypted logs in over TLS and returns the connection.
func (p *port) encrypted(t *testing.T) *rawClient {
	t.Helper()
	w := takeOver(t, strings.Replace(p.url(systemUser, systemPassword), "sslmode=disable", "sslmode=require", 1))
	if _, ok := w.conn.(*tls.Conn); !ok {
		t.Fatalf("%T is not encrypted", w.conn)
	}
	return w
}

// farewell reads up to the end of the connection, and returns the SQLSTATE of the last message.
func (w *rawClient) farewell(t *testing.T) string {
	t.Helper()
	if err := w.conn.SetReadDeadline(time.Now().Add(pace.Hang)); err != nil {
		t.Fatal(err)
	}
	// A connection without TLS's close_notify may have been cut by an attacker.
	said, err := io.ReadAll(w.r)
	if err != nil {
		t.Errorf("after %q: %v", said, err)
	}
	last := bytes.LastIndex(said, []byte("SFATAL\x00"))
	if last < 0 {
		return "no goodbye"
	}
	_, code, _ := strings.Cut(string(said[last:]), "\x00C")
	code, _, _ = strings.Cut(code, "\x00")
	return code
}

// TestGoodbyeOverTLS checks that the end of an encrypted session has a message with the reason, and
// TLS's close_notify.
func TestGoodbyeOverTLS(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.TLS = certificate(t) })
	tests := []struct {
		name, want string
		end        func(w *rawClient)
	}{
		{"what is no message", "08P01", func(w *rawClient) { w.say(t, &pgproto3.PasswordMessage{Password: "x"}) }},
		{"a message that is too long", "08P01", func(w *rawClient) {
			if _, err := w.conn.Write([]byte("Q\x7f\xff\xff\xff")); err != nil {
				t.Error(err)
			}
		}},
		{"the database ends the connection", "57P01", func(w *rawClient) { w.say(t, &pgproto3.Query{String: "select pg_terminate_backend(pg_backend_pid())"}) }},
	}
	for _, test := range tests {
		w := p.encrypted(t)
		test.end(w)
		if got := w.farewell(t); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	_, err := pgconn.Connect(t.Context(), strings.Replace(p.url(systemUser, "wrong"), "sslmode=disable", "sslmode=require", 1))
	if code(errors.Unwrap(err)) != "28P01" {
		t.Error(err)
	}
}

// TestShutdownOverTLS stops the server with encrypted sessions: an idle one, and one that runs a
// query.
func TestShutdownOverTLS(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.TLS, c.SocketDir = certificate(t), "" })
	server, err := wire.Listen(p.config)
	if err != nil {
		t.Fatal(err)
	}
	p.server = server
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	idle, busy := p.encrypted(t), p.encrypted(t)
	busy.say(t, &pgproto3.Query{String: "select pg_sleep(600) as busy_over_tls"})
	p.await("select count(*) = 1 from pg_stat_activity where query = 'select pg_sleep(600) as busy_over_tls' and wait_event = 'PgSleep'")
	stop()
	for name, w := range map[string]*rawClient{"idle": idle, "busy": busy} {
		if got := w.farewell(t); got != "57P01" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	p.await(`select count(*) = 0 from pg_stat_activity where query = 'select pg_sleep(600) as busy_over_tls'`)
}

// say sends messages.
func (w *rawClient) say(t testing.TB, messages ...pgproto3.FrontendMessage) {
	t.Helper()
	var send []byte
	for _, m := range messages {
		var err error
		if send, err = m.Encode(send); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.conn.Write(send); err != nil {
		t.Fatal(err)
	}
}
