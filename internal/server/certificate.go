package server

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"
)

// certificate is that of a port. It can be read again; connections that are there keep theirs. A nil
// one is none.
type certificate struct {
	// what is how its keys in metadb.conf begin.
	what, certFile, keyFile string
	current                 atomic.Pointer[tls.Certificate]
}

// readCertificate reads a certificate, nil if there are no files.
func readCertificate(what, certFile, keyFile string) (*certificate, error) {
	if certFile == "" {
		return nil, nil
	}
	c := &certificate{what: what, certFile: certFile, keyFile: keyFile}
	return c, c.readFiles()
}

// readFiles reads the files. After an error what was read before stays.
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

// tlsConfig returns how a port encrypts.
func (c *certificate) tlsConfig() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
		MinVersion:     tls.VersionTLS12,
	}
}
