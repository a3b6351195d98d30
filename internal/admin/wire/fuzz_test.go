package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/wire"
	"metadb/internal/testkit/pace"
)

// The fuzz tests send arbitrary bytes in each state of a connection and then nothing more. The
// server must answer or close the connection, and must not fail.

// encoded returns the messages encoded one after the other.
func encoded(t testing.TB, list ...pgproto3.FrontendMessage) []byte {
	t.Helper()
	var buf []byte
	for _, message := range list {
		var err error
		if buf, err = message.Encode(buf); err != nil {
			t.Fatal(err)
		}
	}
	return buf
}

// throw sends bytes, closes the client's side, and reads until the server closes its side.
func throw(t *testing.T, conn net.Conn, input []byte) {
	t.Helper()
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(pace.Hang)); err != nil {
		t.Fatal(err)
	}
	// The server may close the connection before it has read everything.
	_, _ = conn.Write(input)
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, err := io.Copy(io.Discard, conn)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		t.Fatal("the server did not end the connection")
	}
}

// quietly discards the log of a fuzz test's refusals.
func quietly(c *wire.Config) {
	c.Logger = slog.New(slog.DiscardHandler)
	c.FailureDelay = time.Microsecond
}

// FuzzStartup fuzzes from the first byte, at a port that offers TLS.
func FuzzStartup(f *testing.F) {
	hello := encoded(f, &pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": systemUser, "database": "metadb"}})
	encrypt, gss := encoded(f, &pgproto3.SSLRequest{}), encoded(f, &pgproto3.GSSEncRequest{})
	f.Add(hello)
	f.Add(append(encrypt, hello...))
	f.Add(append(append(gss, encrypt...), hello...))
	f.Add(append(encrypt, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"...))
	f.Add(encoded(f, &pgproto3.CancelRequest{ProcessID: 1, SecretKey: []byte{1, 2, 3, 4}}))
	f.Add([]byte("\x7f\xff\xff\xff\x00\x03\x00\x00user\x00x\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x0c\x00\x03\x00\x02a\x00\x00\x00"))
	p := open(f, func(c *wire.Config) { quietly(c); c.TLS = certificate(f) })
	address := p.server.Addr().String()
	f.Fuzz(func(t *testing.T, input []byte) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		throw(t, conn, input)
	})
}

// FuzzPassword fuzzes from the password message on.
func FuzzPassword(f *testing.F) {
	const first = "n,,n=,r=abcdefghijklmnop"
	initial := encoded(f, &pgproto3.SASLInitialResponse{AuthMechanism: "SCRAM-SHA-256", Data: []byte(first)})
	f.Add(initial)
	f.Add(append(initial, encoded(f, &pgproto3.SASLResponse{Data: []byte("c=biws,r=abcdefghijklmnop,p=" + "AAAA")})...))
	f.Add(encoded(f, &pgproto3.SASLInitialResponse{AuthMechanism: "SCRAM-SHA-256-PLUS", Data: []byte("p=tls-server-end-point,,n=,r=x")}))
	f.Add(encoded(f, &pgproto3.PasswordMessage{Password: "pass word"}))
	f.Add(encoded(f, &pgproto3.Query{String: "select 1"}))
	f.Add([]byte("p\x7f\xff\xff\xff"))
	f.Add([]byte("p\x00\x00\x00\x03"))
	p := open(f, quietly)
	address := p.server.Addr().String()
	hello := encoded(f, &pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": systemUser, "database": "metadb"}})
	f.Fuzz(func(t *testing.T, input []byte) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		throw(t, conn, append(bytes.Clone(hello), input...))
	})
}

// FuzzSession fuzzes from the beginning of a session.
func FuzzSession(f *testing.F) {
	all := messages{
		&pgproto3.Query{String: "list status; select 1"}, &parse{Name: "a", Query: "list config"}, &bind{PreparedStatement: "a"},
		&describe{ObjectType: 'P'}, &describe{ObjectType: 'S', Name: "a"}, &execute{MaxRows: 1}, &execute{}, &closing{ObjectType: 'S', Name: "a"},
		&syncing{}, &pgproto3.CopyData{Data: []byte("x")}, &pgproto3.CopyDone{}, &pgproto3.CopyFail{}, &flush{}, &pgproto3.Terminate{},
		&pgproto3.Query{String: "begin"}, &parse{Query: "select $1::int"}, &bind{Parameters: [][]byte{[]byte("1")}},
	}
	for _, message := range all {
		f.Add(encoded(f, message))
	}
	f.Add(encoded(f, all...))
	forget := messages{&parse{Name: "a", Query: "list status"}, &pgproto3.Query{String: "begin; deallocate a"}, &bind{PreparedStatement: "a"}, &syncing{}}
	f.Add(encoded(f, forget...))
	f.Add(binary.BigEndian.AppendUint32([]byte{'F'}, 8))
	f.Add([]byte("Q\x7f\xff\xff\xffselect"))
	p := open(f, quietly)
	f.Fuzz(func(t *testing.T, input []byte) {
		conn, _ := p.raw(t)
		throw(t, conn, input)
	})
}

// FuzzCopy fuzzes while the database reads COPY data: requested by a simple query, by an extended
// one, and by one that a command follows.
func FuzzCopy(f *testing.F) {
	begins := [][]byte{
		encoded(f, &pgproto3.Query{String: "copy metadb.origin from stdin"}),
		encoded(f, &parse{Query: "copy metadb.origin from stdin"}, &bind{}, &execute{}, &flush{}),
		encoded(f, &pgproto3.Query{String: "copy metadb.origin from stdin; list config"}),
	}
	for i := range begins {
		for _, list := range []messages{
			{&pgproto3.CopyData{Data: []byte("a\n")}, &pgproto3.CopyDone{}, &syncing{}},
			{&pgproto3.CopyData{Data: []byte("a\tb\n")}, &syncing{}, &pgproto3.CopyFail{}},
			{&syncing{}, &pgproto3.Query{String: "list status"}, &pgproto3.CopyDone{}},
			{&parse{Query: "list status"}, &bind{}, &execute{}, &syncing{}},
		} {
			f.Add(byte(i), encoded(f, list...))
		}
	}
	p := open(f, quietly)
	f.Fuzz(func(t *testing.T, begin byte, input []byte) {
		conn, _ := p.raw(t)
		throw(t, conn, append(bytes.Clone(begins[int(begin)%len(begins)]), input...))
	})
}
