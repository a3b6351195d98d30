package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestConnectionHint(t *testing.T) {
	plain, sasl := Security{}, Security{Mechanism: "plain"}
	for _, test := range []struct {
		security Security
		err      error
		want     string
	}{
		{sasl, kerr.SaslAuthenticationFailed, "sasl_password"},
		{sasl, kerr.UnsupportedSaslMechanism, "sasl_mechanism"},
		{sasl, io.EOF, "sasl_password"},
		{sasl, io.EOF, "security"},
		{sasl, kerr.IllegalSaslState, "the broker asks nobody for a name and password at this port"},
		{Security{TLS: true}, syscall.ECONNRESET, "ssl_cert_file"},
		{plain, io.EOF, "check security"},
		{plain, &kgo.ErrGroupSession{Err: kerr.GroupAuthorizationFailed}, "lacks rights"},
		{plain, x509.UnknownAuthorityError{}, "ssl_ca_file"},
		{plain, x509.HostnameError{Certificate: &x509.Certificate{}}, "another name"},
		{Security{TLS: true}, tls.RecordHeaderError{Msg: "not TLS"}, "may not encrypt"},
		{plain, errors.New("something else"), ""},
	} {
		wrapped := fmt.Errorf("unable to dial: %w", test.err)
		got := test.security.withHint(wrapped)
		hint := strings.TrimPrefix(got.Error(), wrapped.Error())
		if (hint == "") != (test.want == "") || !strings.Contains(hint, test.want) {
			t.Errorf("%v: the hint is %q, want %q", test.err, hint, test.want)
		}
	}
}
