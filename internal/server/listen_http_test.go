package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"metadb/internal/testkit/freeport"
)

// TestHTTPForOthers checks that an address which other hosts can reach requires TLS and a token.
func TestHTTPForOthers(t *testing.T) {
	i := install(t)
	ports, err := freeport.Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, roots := selfSigned(t)
	open := fmt.Sprintf("http_listen = 0.0.0.0:%d\n", ports[0])
	secure := fmt.Sprintf("%shttp_tls_cert = %s\nhttp_tls_key = %s\n", open, cert, key)
	for _, conf := range []string{open, secure, open + "http_token = secret\n"} {
		i.configure(t, conf)
		err := Run(t.Context(), Options{Dir: i.dir, Stderr: &buffer{}, Port: i.port, MemLimit: 1})
		if err == nil || !strings.Contains(err.Error(), "0.0.0.0 can be reached from other machines") {
			t.Errorf("with %q: %v", conf, err)
		}
	}
	i.configure(t, secure+"http_token = secret\n")
	r := i.start(t)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	for _, test := range []struct {
		path, token string
		want        int
	}{
		{"/healthz", "", http.StatusOK},
		{"/metrics", "", http.StatusUnauthorized},
		{"/metrics", "wrong", http.StatusUnauthorized},
		{"/metrics", "secret", http.StatusOK},
		{"/", "secret", http.StatusOK},
		{"/events", "", http.StatusUnauthorized},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d%s", ports[0], test.path), nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.token != "" {
			request.Header.Set("Authorization", "Bearer "+test.token)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != test.want {
			t.Errorf("%s with token %q: %d, want %d", test.path, test.token, response.StatusCode, test.want)
		}
	}
	r.stop(t)
}

// selfSigned creates a certificate for 127.0.0.1, as files and as trusted roots.
func selfSigned(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile, roots = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), x509.NewCertPool()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots.AppendCertsFromPEM(text)
	for file, content := range map[string][]byte{certFile: text, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile, roots
}
