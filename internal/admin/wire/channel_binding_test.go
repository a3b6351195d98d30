package wire_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/wire"
	"metadb/internal/testkit/pace"
)

// loginAt connects pgx and psql to an address, and returns the errors.
func loginAt(t *testing.T, address, options string) (withPgx, withPsql string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	conninfo := fmt.Sprintf("host=%s port=%s dbname=metadb user=mdbadmin password='pass word' %s", host, port, options)
	conn, err := pgx.Connect(t.Context(), conninfo)
	if err == nil {
		_ = conn.Close(t.Context())
	} else {
		withPgx = err.Error()
	}
	if out := run(t, "", "-X", "-A", "-t", "-w", "-d", conninfo, "-c", "select current_user"); out != "mdbadmin\n" {
		withPsql = out
	}
	return withPgx, withPsql
}

// TestChannelBinding checks that clients that require channel binding get it over TLS and are
// refused otherwise, and that other clients log in without it.
func TestChannelBinding(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.TLS = certificate(t) })
	other := open(t, func(c *wire.Config) { c.TLS = ed25519Certificate(t) })
	for _, test := range []struct {
		port    *port
		options string
		right   bool
	}{
		{p, "sslmode=require channel_binding=require", true},
		{p, "sslmode=require channel_binding=prefer", true},
		{p, "sslmode=require channel_binding=disable", true},
		{p, "sslmode=disable channel_binding=prefer", true},
		{p, "sslmode=disable channel_binding=require", false},
		// The certificate's signature has no hash that clients agree on.
		{other, "sslmode=require channel_binding=prefer", true},
		{other, "sslmode=require channel_binding=require", false},
	} {
		withPgx, withPsql := loginAt(t, test.port.server.Addr().String(), test.options)
		if (withPgx == "") != test.right || (withPsql == "") != test.right {
			t.Errorf("%s: pgx %q, psql %q", test.options, withPgx, withPsql)
		}
	}
}

// TestSomebodyInBetween checks that a man in the middle with a certificate that the client trusts
// can't pass on a login, unless the client does not use channel binding.
func TestSomebodyInBetween(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.TLS = certificate(t) })
	between := relay(t, p.server.Addr().String(), certificate(t))
	for options, right := range map[string]bool{"channel_binding=disable": true, "channel_binding=prefer": false, "channel_binding=require": false} {
		withPgx, withPsql := loginAt(t, between, "sslmode=require "+options)
		for _, said := range []string{withPgx, withPsql} {
			if (said == "") != right || !right && !strings.Contains(said, "password authentication failed") {
				t.Errorf("%s: %q", options, said)
			}
		}
	}
}

// TestDowngrade checks that the server refuses a client that wrongly states that channel binding is
// not offered, and a client that does not keep to the mechanism that it chose.
func TestDowngrade(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.TLS = certificate(t) })
	const bare = ",,n=,r=abcdefghijklmnop"
	for _, test := range []struct {
		encrypted       bool
		mechanism, flag string
		goesOn          bool
	}{
		{true, "SCRAM-SHA-256", "n", true},
		{true, "SCRAM-SHA-256", "y", false},
		{true, "SCRAM-SHA-256", "p=tls-server-end-point", false},
		{true, "SCRAM-SHA-256-PLUS", "p=tls-server-end-point", true},
		{true, "SCRAM-SHA-256-PLUS", "p=tls-unique", false},
		{true, "SCRAM-SHA-256-PLUS", "n", false},
		{true, "SCRAM-SHA-256-PLUS", "y", false},
		{false, "SCRAM-SHA-256", "y", true},
		{false, "SCRAM-SHA-256-PLUS", "p=tls-server-end-point", false},
	} {
		frontend := p.greet(t, test.encrypted)
		offered, ok := receive(t, frontend).(*pgproto3.AuthenticationSASL)
		if want := map[bool]string{true: "[SCRAM-SHA-256-PLUS SCRAM-SHA-256]", false: "[SCRAM-SHA-256]"}[test.encrypted]; !ok || fmt.Sprint(offered.AuthMechanisms) != want {
			t.Fatalf("%+v: offered %+v", test, offered)
		}
		frontend.Send(&pgproto3.SASLInitialResponse{AuthMechanism: test.mechanism, Data: []byte(test.flag + bare)})
		if err := frontend.Flush(); err != nil {
			t.Fatal(err)
		}
		answer := receive(t, frontend)
		if _, goesOn := answer.(*pgproto3.AuthenticationSASLContinue); goesOn != test.goesOn {
			t.Errorf("%+v: answered %+v", test, answer)
		}
	}
}

// greet begins a session, encrypted or not.
func (p *port) greet(t *testing.T, encrypted bool) *pgproto3.Frontend {
	t.Helper()
	conn, err := net.Dial("tcp", p.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(pace.Hang)); err != nil {
		t.Fatal(err)
	}
	if encrypted {
		conn = encrypt(t, conn)
	}
	frontend := pgproto3.NewFrontend(conn, conn)
	frontend.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": systemUser, "database": "metadb"}})
	if err := frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	return frontend
}

func receive(t *testing.T, frontend *pgproto3.Frontend) pgproto3.BackendMessage {
	t.Helper()
	message, err := frontend.Receive()
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// encrypt starts TLS on a connection to a server.
func encrypt(t *testing.T, conn net.Conn) net.Conn {
	t.Helper()
	if _, err := conn.Write(encoded(t, &pgproto3.SSLRequest{})); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(conn, answer); err != nil || answer[0] != 'S' {
		t.Fatalf("answer %q, %v", answer, err)
	}
	return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the attacker believes everybody
}

// relay listens, terminates TLS with another certificate, and copies the decrypted bytes to and
// from a server over TLS. It returns the address.
func relay(t *testing.T, server string, config *tls.Config) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			request := make([]byte, 8)
			if _, err := io.ReadFull(client, request); err != nil || !bytes.Equal(request, encoded(t, &pgproto3.SSLRequest{})) {
				_ = client.Close()
				continue
			}
			_, _ = client.Write([]byte("S"))
			conn, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			shown, behind := tls.Server(client, config), encrypt(t, conn)
			gone := make(chan struct{})
			go func() { defer close(gone); _, _ = io.Copy(behind, shown); _ = behind.Close() }()
			_, _ = io.Copy(shown, behind)
			_ = shown.Close()
			<-gone
		}
	}()
	t.Cleanup(func() {
		stop()
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}

// ed25519Certificate returns a configuration with a certificate signed without a hash.
func ed25519Certificate(t *testing.T) *tls.Config {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}, MinVersion: tls.VersionTLS12}
}

// TestTLSFromTheFirstByte checks that a client may begin with TLS if it names PostgreSQL's
// protocol, and that channel binding works then, too.
func TestTLSFromTheFirstByte(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.TLS = certificate(t) })
	plain := open(t, nil)
	for _, test := range []struct {
		port    *port
		options string
		right   bool
	}{
		{p, "sslmode=require sslnegotiation=direct channel_binding=require", true},
		{p, "sslmode=require sslnegotiation=direct channel_binding=disable", true},
		{p, "sslmode=require sslnegotiation=postgres channel_binding=require", true},
		{plain, "sslmode=require sslnegotiation=direct", false},
	} {
		conninfo := fmt.Sprintf("host=127.0.0.1 port=%d dbname=metadb user=mdbadmin password='pass word' %s", test.port.server.Addr().Port, test.options)
		conn, err := pgx.Connect(t.Context(), conninfo)
		if (err == nil) != test.right {
			t.Errorf("%s: %v", test.options, err)
		}
		if err == nil {
			_ = conn.Close(t.Context())
		}
	}
	for _, protocols := range [][]string{nil, {"http/1.1"}, {"postgresql"}} {
		conn, err := tls.Dial("tcp", p.server.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: protocols}) //nolint:gosec // it is about what the server does
		if err == nil {
			hello := encoded(t, &pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": systemUser}})
			_, _ = conn.Write(hello)
			_, err = io.ReadFull(conn, make([]byte, 1))
			_ = conn.Close()
		}
		if right := slices.Equal(protocols, []string{"postgresql"}); (err == nil) != right {
			t.Errorf("%v: %v", protocols, err)
		}
	}
}
