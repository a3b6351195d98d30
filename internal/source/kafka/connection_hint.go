package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// withHint adds to a connection's error the data source's option to check. A broker
// that gets another protocol than it expects does not answer or closes the
// connection, and the plain error does not show that.
func (s Security) withHint(err error) error {
	if hint := s.connectionHint(err); hint != "" {
		return fmt.Errorf("%w; %s", err, hint)
	}
	return err
}

func (s Security) connectionHint(err error) string {
	var (
		handshake tls.RecordHeaderError
		first     *kgo.ErrFirstReadEOF
		dialing   *net.OpError
		lookup    *net.DNSError
		size      *answerSizeError
	)
	if hint := s.certificateHint(err); hint != "" {
		return hint
	}
	switch {
	case errors.Is(err, kerr.IllegalSaslState):
		return "the broker asks nobody for a name and password at this port: check brokers and security"
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return "check sasl_username and sasl_password"
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return "check sasl_mechanism"
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.GroupAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return "the user lacks rights in Kafka: it needs to read and describe the topics, and to read the consumer group"
	case errors.As(err, &handshake), s.TLS && isTimeout(err):
		return "check security: the broker may not encrypt at this port"
	case errors.As(err, &first), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return s.closedConnectionHint()
	case errors.As(err, &size) && s.TLS:
		return "check brokers: this may be no port of Kafka's"
	case errors.As(err, &size):
		return "check brokers and security: this may be no port of Kafka's, or the broker encrypts at it"
	case errors.As(err, &lookup), errors.As(err, &dialing) && dialing.Op == "dial":
		return "check brokers, and whether Kafka runs"
	}
	return ""
}

// closedConnectionHint returns the hint for a broker that closed the connection without an answer.
func (s Security) closedConnectionHint() string {
	const closed = "the broker closed the connection: check security"
	switch {
	case s.Mechanism != "":
		return "the broker closed the connection: check sasl_username, sasl_password, sasl_mechanism and security (it may encrypt, or ask nobody for a password, at this port)"
	case s.TLS && s.CertFile == "":
		return closed + ", and whether it asks for a client certificate (ssl_cert_file, ssl_key_file)"
	}
	return closed
}

// certificateHint returns the hint for a certificate that either side refuses.
func (s Security) certificateHint(err error) string {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknown):
		return "check ssl_ca_file: the broker's certificate is of another authority"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return validityHint(invalid.Cert, time.Now())
	case errors.As(err, &invalid):
		return "check ssl_ca_file, and the broker's certificate"
	case errors.As(err, &hostname):
		return "check brokers: the certificate is for another name"
	}
	if alert, refused := tlsAlertOf(err); refused {
		return s.tlsAlertHint(alert)
	}
	return ""
}

// validityHint returns the hint for a broker's certificate that is not valid at a time.
func validityHint(certificate *x509.Certificate, now time.Time) string {
	const layout = "2006-01-02 15:04:05 UTC"
	name := certificate.Subject.String()
	if now.Before(certificate.NotBefore) {
		return fmt.Sprintf("the broker's certificate %q is valid from %s on: check the clocks of both machines", name, certificate.NotBefore.UTC().Format(layout))
	}
	return fmt.Sprintf("the broker's certificate %q expired at %s: it has to be renewed there", name, certificate.NotAfter.UTC().Format(layout))
}

// Alerts with which a broker refuses a client.
// https://www.rfc-editor.org/rfc/rfc8446#section-6.2
const (
	alertHandshakeFailure       = 40
	alertBadCertificate         = 42
	alertUnsupportedCertificate = 43
	alertCertificateRevoked     = 44
	alertCertificateExpired     = 45
	alertCertificateUnknown     = 46
	alertUnknownCA              = 48
	alertAccessDenied           = 49
	alertProtocolVersion        = 70
	alertCertificateRequired    = 116
)

// tlsAlertOf returns the TLS alert with which the other side ended a connection. The type of
// alerts in crypto/tls, a number, is not exported.
func tlsAlertOf(err error) (alert uint64, refused bool) {
	var remote *net.OpError
	if !errors.As(err, &remote) || remote.Op != "remote error" {
		return 0, false
	}
	value := reflect.ValueOf(remote.Err)
	if value.Kind() != reflect.Uint8 {
		return 0, false
	}
	return value.Uint(), true
}

// tlsAlertHint returns the hint for a broker's TLS alert.
func (s Security) tlsAlertHint(alert uint64) string {
	switch alert {
	case alertProtocolVersion:
		return "the broker has no version of TLS that is safe: it needs 1.2 or later"
	case alertCertificateExpired:
		return "the broker refuses the certificate in ssl_cert_file: it has expired" + s.clientCertExpiry()
	case alertCertificateRevoked:
		return "the broker refuses the certificate in ssl_cert_file: it has been revoked"
	case alertHandshakeFailure, alertBadCertificate, alertUnsupportedCertificate, alertCertificateUnknown, alertUnknownCA, alertAccessDenied, alertCertificateRequired:
		if s.CertFile == "" {
			return "the broker asks for a client certificate: set ssl_cert_file and ssl_key_file"
		}
		return "the broker refuses the certificate in ssl_cert_file: check that the authority that the broker trusts has signed it, and that it has not expired" + s.clientCertExpiry()
	}
	return ""
}

// clientCertExpiry returns a text with the end of the client certificate's validity, empty if the
// certificate can't be read.
func (s Security) clientCertExpiry() string {
	pair, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
	if err != nil || pair.Leaf == nil {
		return ""
	}
	return fmt.Sprintf(" (it is valid until %s)", pair.Leaf.NotAfter.UTC().Format("2006-01-02 15:04:05 UTC"))
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}
