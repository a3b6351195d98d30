package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Security has the parameters of encryption and authentication.
type Security struct {
	// TLS encrypts the connection. The system's certificates are trusted, or
	// those in CAFile. CertFile and KeyFile are the client's own; both or
	// neither are set.
	TLS                       bool
	CAFile, CertFile, KeyFile string
	// Mechanism is "plain", "scram-sha-256", "scram-sha-512", or empty for
	// no authentication. Password is called each time that a connection authenticates.
	Mechanism, Username string
	Password            func() (string, error)
}

// clientOptions returns the client's options. The error names an unreadable file or an unknown
// mechanism. The files are read again for each connection; log, if not nil, gets a warning
// about one that can't be read then.
func (s Security) clientOptions(log *slog.Logger) ([]kgo.Opt, error) {
	dial := dialFunc((&net.Dialer{Timeout: dialTimeout}).DialContext)
	if s.TLS {
		files := &credentials{security: s, log: log}
		if _, err := files.currentConfig(); err != nil {
			return nil, err
		}
		dial = files.dialTLS
	}
	opts := []kgo.Opt{kgo.Dialer(dial.dialLimited)}
	if s.Mechanism != "" {
		mechanism, err := s.saslMechanism()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

func (s Security) saslMechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "plain":
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			password, err := s.Password()
			return plain.Auth{User: s.Username, Pass: password}, err
		}), nil
	case "scram-sha-256":
		return scram.Sha256(s.scramAuth), nil
	case "scram-sha-512":
		return scram.Sha512(s.scramAuth), nil
	}
	return nil, fmt.Errorf("unknown sasl_mechanism %q", s.Mechanism)
}

// scramAuth returns the credentials for SCRAM.
func (s Security) scramAuth(context.Context) (scram.Auth, error) {
	password, err := s.Password()
	return scram.Auth{User: s.Username, Pass: password}, err
}
