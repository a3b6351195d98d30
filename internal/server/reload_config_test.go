package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/freeport"
)

// TestHangup checks that passwords, certificates and the token are reloaded without a restart,
// and that unreadable ones keep their values.
func TestHangup(t *testing.T) {
	i := install(t)
	ports, err := freeport.Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, roots := selfSigned(t)
	conf := fmt.Sprintf("http_listen = 127.0.0.1:%d\nhttp_tls_cert = %s\nhttp_tls_key = %s\nadmin_tls_cert = %s\nadmin_tls_key = %s\n", ports[0], cert, key, cert, key)
	i.configure(t, conf+"http_token = first-token-of-all\n")
	signals := make(chan os.Signal)
	i.hangup = signals
	r := i.start(t)
	login := func(password string, roots *x509.CertPool) error {
		config, err := pgx.ParseConfig(fmt.Sprintf("host=127.0.0.1 port=%d dbname=metadb user=mdbadmin password=%s sslmode=require", r.port, password))
		if err != nil {
			t.Fatal(err)
		}
		config.TLSConfig = &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			return err
		}
		return conn.Close(context.WithoutCancel(t.Context()))
	}
	token := func(token string, roots *x509.CertPool) int {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
		defer transport.CloseIdleConnections()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d/metrics", ports[0]), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := (&http.Client{Transport: transport}).Do(request)
		if err != nil {
			t.Error(err)
			return 0
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	if err := login("secret", roots); err != nil {
		t.Fatal(err)
	}
	renewed, renewedKey, newRoots := selfSigned(t)
	for from, to := range map[string]string{renewed: cert, renewedKey: key} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	i.configure(t, conf+"http_token = second-token-of-all\n")
	i.replace(t, "systemuser_password = secret", "systemuser_password = another")
	if err := login("secret", roots); err != nil {
		t.Errorf("before the signal: %v", err)
	}
	signals <- syscall.SIGHUP
	r.await(t, "read again", func() error { return r.logged("read passwords, certificates and http_token again") })
	if err := login("another", newRoots); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if err := login("secret", newRoots); err == nil || !strings.Contains(err.Error(), "password authentication failed") {
		t.Errorf("the old password: %v", err)
	}
	if got := token("second-token-of-all", newRoots); got != http.StatusOK {
		t.Errorf("the new token: %d", got)
	}
	if err := os.WriteFile(key, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	signals <- syscall.SIGHUP
	r.await(t, "complain", func() error { return r.logged("read the configuration again: admin_tls_cert, admin_tls_key: ") })
	if err := login("another", newRoots); err != nil {
		t.Errorf("with a certificate that can't be read: %v", err)
	}
}
