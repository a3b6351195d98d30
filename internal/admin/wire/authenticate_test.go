package wire_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/admin/wire"
)

// login runs psql over TCP and returns its output for a trivial query.
func (p *port) login(options string) string {
	p.t.Helper()
	conninfo := fmt.Sprintf("host=127.0.0.1 port=%d %s", p.server.Addr().Port, options)
	return run(p.t, "", "-X", "-A", "-t", "-w", "-d", conninfo, "-c", "select current_user")
}

// TestWhoMayConnect tries the names and passwords of
// docs/spec/07-administration-port.md#authentication.
func TestWhoMayConnect(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) {
		c.Super.Name, c.Super.Password = "postgres", "s€cret\u00a0x"
	})
	if _, err := p.Pool.Exec(t.Context(), "alter role postgres password null"); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ options, want string }{
		{"dbname=metadb user=mdbadmin password='pass word'", "mdbadmin\n"},
		{"dbname=" + p.Name + " user=mdbadmin password='pass word'", "mdbadmin\n"},
		// SASLprep: a no-break space is a space.
		{"dbname=metadb user=postgres password='s€cret x'", "postgres\n"},
		{"dbname=metadb user=mdbadmin password='Pass word'", "password authentication failed for user \"mdbadmin\"\n"},
		{"dbname=metadb user=mdbadmin password='s€cret x'", "password authentication failed for user \"mdbadmin\"\n"},
		{"dbname=metadb user=mdbadmin", "fe_sendauth: no password supplied\n"},
		{"dbname=metadb user=root password=x", "user \"root\" may not connect to this port\nHINT:  connect as the system user: -U mdbadmin\n"},
		{"dbname=other user=mdbadmin password='pass word'", "database \"other\" does not exist\nHINT:  connect with: -d metadb\n"},
		{"dbname=metadb user=mdbadmin password='pass word' sslmode=require", "server does not support SSL, but SSL was required\n"},
		{"dbname=metadb user=mdbadmin password='pass word' options='-c work_mem=64nonsense'", "invalid value for parameter \"work_mem\": \"64nonsense\"\n"},
		{"dbname=metadb user=mdbadmin password='pass word' replication=1", "replication connections are not supported on this port\n"},
	}
	for _, test := range tests {
		if got := p.login(test.options); !strings.Contains(got, test.want) {
			t.Errorf("%s\n got %q\nwant %q", test.options, got, test.want)
		}
	}
	logged := p.log.String()
	if !strings.Contains(logged, `login of user \"mdbadmin\" from 127.0.0.1:`) || strings.Contains(logged, "cret") {
		t.Errorf("log: %s", logged)
	}
}

// TestEmptyPassword checks that a role without a password never logs in.
func TestEmptyPassword(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.System.Password = "" })
	_, err := pgconn.Connect(t.Context(), p.url(systemUser, ""))
	if err == nil {
		t.Error("logged in without a password")
	}
	got := p.login("dbname=metadb user=mdbadmin password=x")
	if !strings.Contains(got, "password authentication failed") {
		t.Error(got)
	}
}

// TestTrust checks that trust accepts any user over loopback, as the system user.
func TestTrust(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.Trust = true })
	for _, user := range []string{"root", "postgres", "anybody"} {
		if got := p.login("dbname=metadb user=" + user); got != "mdbadmin\n" {
			t.Errorf("%s: %s", user, got)
		}
	}
}

// TestAddresses checks that addresses other than loopback need TLS and a password.
func TestAddresses(t *testing.T) {
	t.Parallel()
	with := func(alter func(*wire.Config)) error {
		config := wire.Config{Upstream: &pgconn.Config{}, Logger: slog.New(slog.DiscardHandler)}
		alter(&config)
		_, err := wire.Listen(config)
		return err
	}
	tests := []struct {
		alter func(*wire.Config)
		want  string
	}{
		{func(c *wire.Config) { c.Host = "0.0.0.0" }, "needs TLS"},
		{func(c *wire.Config) { c.Host = "::" }, "needs TLS"},
		{func(c *wire.Config) { c.Host, c.TLS, c.Trust = "0.0.0.0", &tls.Config{}, true }, "loopback only"},
		{func(c *wire.Config) { c.Host = "no such host" }, "is no address"},
	}
	for _, test := range tests {
		if err := with(test.alter); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
}

// TestPortInUse checks the message for a port that is in use.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	config := open(t, nil).config
	config.Port, config.SocketDir = listener.Addr().(*net.TCPAddr).Port, ""
	if _, err := wire.Listen(config); err == nil || !strings.Contains(err.Error(), "is in use by another program") {
		t.Error(err)
	}
}

// TestTLS connects with encryption, and without it to an address that requires it.
func TestTLS(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.TLS, c.Host = certificate(t), "0.0.0.0" })
	if p.server.Addr().IP.To4() == nil {
		t.Errorf("0.0.0.0 listens on %s, of IPv6 too", p.server.Addr())
	}
	if got := p.login("dbname=metadb user=mdbadmin password='pass word' sslmode=require"); got != "mdbadmin\n" {
		t.Error(got)
	}
	for _, own := range ownAddresses(t) {
		options := fmt.Sprintf("dbname=metadb user=mdbadmin password='pass word' hostaddr=%s sslmode=", own)
		if got := p.login(options + "require"); got != "mdbadmin\n" {
			t.Error(got)
		}
		if got := p.login(options + "disable"); !strings.Contains(got, "this address needs TLS") {
			t.Error(got)
		}
	}
}

// ownAddresses returns the addresses of this machine that are not loopback. In a container without
// a network the list is empty.
func ownAddresses(t *testing.T) []string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	var own []string
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok && !network.IP.IsLoopback() && network.IP.To4() != nil {
			own = append(own, network.IP.String())
		}
	}
	return own
}

// certificate returns a TLS configuration with a self-signed certificate.
func certificate(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// TestSuperuserByName checks that the client's user name chooses the role.
func TestSuperuserByName(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	for user, want := range map[string]string{"postgres": "postgres\n", "mdbadmin": "mdbadmin\n", "root": "mdbadmin\n"} {
		if got := p.psql("select current_user", "-U", user, "-A", "-t"); got != want {
			t.Errorf("%s: %s", user, got)
		}
	}
}

// TestDatabaseAway checks that commands that need no database work without one, and that other
// statements fail with an error that leaves the session open.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) {
		c.Upstream = c.Upstream.Copy()
		c.Upstream.Port = 1
		for _, f := range c.Upstream.Fallbacks {
			f.Port = 1
		}
	})
	conn := p.connect()
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeDescribeExec, pgx.QueryExecModeSimpleProtocol} {
		wantCode(t, mode, "08006", query(conn, "select 1", mode))
		if err := query(conn, "list status", mode); err != nil {
			t.Error(err)
		}
	}
	if err := conn.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
