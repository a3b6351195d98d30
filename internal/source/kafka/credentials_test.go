package kafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"metadb/internal/debezium/connectjson"
	"metadb/internal/observe/logging"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.sign(template, nil, nil)
	return a
}

func (a *authority) sign(template, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// issue returns a certificate for 127.0.0.1 that is valid until a time.
func (a *authority) issue(name string, until time.Time) tls.Certificate {
	a.t.Helper()
	cert, key := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, a.key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// write writes files as they are renewed: in place.
func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// files writes a certificate with its key, and returns their names.
func files(t *testing.T, dir string, pair tls.Certificate) (cert, key string) {
	t.Helper()
	cert, key = filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}))
	write(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return cert, key
}

// listenTLS answers TLS, with the configuration that holds at the moment, until the test ends.
func listenTLS(t *testing.T, config *atomic.Pointer[tls.Config]) string {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return config.Load(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(t.Context()) // the client says how it went
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return listener.Addr().String()
}

// TestCertificatesAreReadAgain expects a certificate that is renewed in place to be used by
// the next connection, and a file that is half written to be ignored, with one warning.
func TestCertificatesAreReadAgain(t *testing.T) {
	before, after := newAuthority(t, "before"), newAuthority(t, "after")
	tomorrow := time.Now().Add(24 * time.Hour)
	serves := func(a *authority) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{a.issue("broker", tomorrow)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool(), MaxVersion: tls.VersionTLS12}
	}
	var config atomic.Pointer[tls.Config]
	config.Store(serves(before))
	address := listenTLS(t, &config)

	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	write(t, ca, before.pem())
	cert, key := files(t, dir, before.issue("client", tomorrow))
	var log strings.Builder
	c := &credentials{
		security: Security{TLS: true, CAFile: ca, CertFile: cert, KeyFile: key},
		log:      slog.New(logging.NewHandler(&log, slog.LevelInfo)),
	}
	connect := func() error {
		conn, err := c.dialTLS(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	good := func(when string) {
		t.Helper()
		if err := connect(); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	good("at first")
	config.Store(serves(after))
	if err := connect(); err == nil {
		t.Error("a broker of another authority was taken")
	}
	write(t, ca, after.pem())
	files(t, dir, after.issue("client", tomorrow))
	good("renewed")
	if log.Len() > 0 {
		t.Errorf("the log has %s", &log)
	}
	write(t, ca, after.pem()[:100])
	good("half a file")
	good("half a file, again")
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	write(t, ca, after.pem())
	good("no certificate")
	good("no certificate, again")
	if got := strings.Count(log.String(), "WARNING"); got != 2 || !strings.Contains(log.String(), "no certificate in PEM format") || !strings.Contains(log.String(), "ssl_cert_file") {
		t.Errorf("the log has %s", &log)
	}
}

// TestSaysWhatIsWrongWithCertificates, on either side.
func TestSaysWhatIsWrongWithCertificates(t *testing.T) {
	t.Parallel()
	ours, others := newAuthority(t, "ours"), newAuthority(t, "others")
	yesterday, tomorrow := time.Now().Add(-24*time.Hour), time.Now().Add(24*time.Hour)
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	write(t, ca, ours.pem())
	const expired = `the broker's certificate "CN=broker" expired at `
	for _, test := range []struct {
		name   string
		broker tls.Certificate
		asks   bool
		client *tls.Certificate
		want   string
	}{
		{"of another authority", others.issue("broker", tomorrow), false, nil, "check ssl_ca_file"},
		{"expired", ours.issue("broker", yesterday), false, nil, expired + yesterday.UTC().Format("2006-01-02 15:04")},
		{"not valid yet", ours.issue("broker", time.Now().Add(72*time.Hour)), false, nil, "check the clocks"},
		{"no client certificate", ours.issue("broker", tomorrow), true, nil, "the broker asks for a client certificate: set ssl_cert_file"},
		{"client of another authority", ours.issue("broker", tomorrow), true, issued(others, tomorrow), "the broker refuses the certificate in ssl_cert_file"},
		{"expired client", ours.issue("broker", tomorrow), true, issued(ours, yesterday), "valid until " + yesterday.UTC().Format("2006-01-02 15:04")},
		{"all is well", ours.issue("broker", tomorrow), true, issued(ours, tomorrow), ErrNoTopic.Error()},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(test.name+", "+tls.VersionName(version), func(t *testing.T) {
				t.Parallel()
				config := &tls.Config{Certificates: []tls.Certificate{test.broker}, MaxVersion: version}
				if test.asks {
					config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, ours.pool()
				}
				b, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(config))
				if err != nil {
					t.Fatal(err)
				}
				defer b.Close()
				security := Security{TLS: true, CAFile: ca}
				if test.client != nil {
					security.CertFile, security.KeyFile = files(t, t.TempDir(), *test.client)
				}
				said(t, b, security, test.want)
			})
		}
	}
}

func issued(a *authority, until time.Time) *tls.Certificate {
	pair := a.issue("client", until)
	return &pair
}

// said fetches from a source and expects an error with the text want.
func said(t *testing.T, b *kfake.Cluster, security Security, want string) {
	t.Helper()
	s, err := New(Config{
		Decoder: connectjson.NewDecoder(connectjson.Config{}),
		Brokers: b.ListenAddrs(), Security: security, Topics: []*regexp.Regexp{regexp.MustCompile("^none$")},
		ConsumerGroup: group, LoadProgress: (&storedProgress{}).load, Logger: slog.New(slog.DiscardHandler), fetchTimeout: 300 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	begin := time.Now()
	for err == nil && time.Since(begin) < testTimeout {
		_, err = s.Fetch(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
