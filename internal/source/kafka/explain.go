package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// explain adds to an error of a connection which option of the data source to
// look at. Brokers that are asked in a way that they don't understand answer
// with silence or close the connection, which by itself says little.
func (s Security) explain(err error) error {
	if hint := s.hint(err); hint != "" {
		return fmt.Errorf("%w; %s", err, hint)
	}
	return err
}

func (s Security) hint(err error) string {
	var (
		unknown   x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		handshake tls.RecordHeaderError
		first     *kgo.ErrFirstReadEOF
		dialing   *net.OpError
		lookup    *net.DNSError
	)
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed), errors.Is(err, kerr.IllegalSaslState):
		return "check sasl_username and sasl_password"
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return "check sasl_mechanism"
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.GroupAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return "the user lacks rights in Kafka: it needs to read and describe the topics, and to read the consumer group"
	case errors.As(err, &unknown), errors.As(err, &invalid):
		return "check ssl_ca_file"
	case errors.As(err, &hostname):
		return "check brokers: the certificate is for another name"
	case errors.As(err, &handshake), s.TLS && timeout(err):
		return "check security: the broker may not encrypt at this port"
	case errors.As(err, &first), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if s.Mechanism != "" {
			return "the broker closed the connection: check sasl_username, sasl_password, sasl_mechanism and security"
		}
		return "the broker closed the connection: check security"
	case errors.As(err, &lookup), errors.As(err, &dialing) && dialing.Op == "dial":
		return "check brokers, and whether Kafka runs"
	}
	return ""
}

func timeout(err error) bool {
	var t net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}
