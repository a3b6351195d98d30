package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
)

// credentials has the certificates of a client's connections. Files are read for each
// connection, so that a certificate that is renewed in place is used from then on. While
// one can't be read, as when it is being written, the last valid ones are used.
type credentials struct {
	security Security
	log      *slog.Logger

	mu sync.Mutex
	// lastGood is the last valid configuration, nil before the first.
	lastGood *tls.Config
	// failure is the last error that was logged, empty while the files are valid.
	failure string
}

// dialTLS connects to a broker.
func (c *credentials) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	config, err := c.currentConfig()
	if err != nil {
		return nil, err
	}
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTimeout}, Config: config}
	return dialer.DialContext(ctx, network, address)
}

// currentConfig returns the configuration for a connection that begins now. It fails only where
// nothing has been read before.
func (c *credentials) currentConfig() (*tls.Config, error) {
	config, err := c.security.readCertificates()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.lastGood, c.failure = config, ""
	case c.lastGood == nil:
		return nil, err
	case err.Error() != c.failure:
		c.failure = err.Error()
		if c.log != nil {
			c.log.Warn(c.failure + "; the connections to the broker go on with what was read before")
		}
	}
	return c.lastGood, nil
}

// readCertificates reads the certificates.
func (s Security) readCertificates() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read ssl_ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ssl_ca_file %s has no certificate in PEM format", s.CAFile)
		}
	}
	if s.CertFile != "" || s.KeyFile != "" {
		pair, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read ssl_cert_file and ssl_key_file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
