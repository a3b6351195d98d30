package server

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"
)

// certificate is the TLS certificate of a port. It can be reloaded; open connections keep the old
// one. Nil is a port without TLS.
type certificate struct {
	// what is the prefix of its keys in metadb.conf.
	what, certFile, keyFile string
	current                 atomic.Pointer[tls.Certificate]
}

// readCertificate reads a certificate. It returns nil if certFile is empty.
func readCertificate(what, certFile, keyFile string) (*certificate, error) {
	if certFile == "" {
		return nil, nil
	}
	c := &certificate{what: what, certFile: certFile, keyFile: keyFile}
	return c, c.readFiles()
}

// readFiles reads the files. After an error the previous certificate stays in use.
func (c *certificate) readFiles() error {
	if c == nil {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("%s_tls_cert, %s_tls_key: %w", c.what, c.what, err)
	}
	c.current.Store(&pair)
	return nil
}

// tlsConfig returns the TLS configuration of the port, nil without TLS.
func (c *certificate) tlsConfig() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
		MinVersion:     tls.VersionTLS12,
	}
}
