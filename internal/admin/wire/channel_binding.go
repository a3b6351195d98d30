package wire

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"

	"metadb/internal/admin/scram"
)

// mechanismPlus is SCRAM with channel binding: the client signs the server's certificate, so that a
// login through a man in the middle, who presents another certificate, fails.
const mechanismPlus = scram.Mechanism + "-PLUS"

// bindingFlag begins the client's first message with mechanismPlus.
// https://www.rfc-editor.org/rfc/rfc5929#section-4
const bindingFlag = "p=tls-server-end-point"

// endPoint returns the hash of a certificate that channel binding signs. It is nil without a
// certificate, and for signature algorithms for which clients don't agree on the hash: RSA-PSS has
// it in parameters, Ed25519 has no hash.
func endPoint(certificate *tls.Certificate) []byte {
	if certificate == nil || len(certificate.Certificate) == 0 {
		return nil
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		return nil
	}
	switch leaf.SignatureAlgorithm {
	case x509.SHA256WithRSA, x509.ECDSAWithSHA256, x509.SHA1WithRSA, x509.ECDSAWithSHA1:
		sum := sha256.Sum256(leaf.Raw)
		return sum[:]
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384:
		sum := sha512.Sum384(leaf.Raw)
		return sum[:]
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512:
		sum := sha512.Sum512(leaf.Raw)
		return sum[:]
	}
	return nil
}

// watchCertificate returns the TLS configuration for one connection, and calls shown with the
// certificate that the connection presents. Session tickets are disabled, as in PostgreSQL: a
// resumed session would present no certificate.
func watchCertificate(config *tls.Config, shown func(*tls.Certificate)) *tls.Config {
	watched := config.Clone()
	watched.SessionTicketsDisabled = true
	if config.GetCertificate == nil && len(config.Certificates) != 1 {
		return watched
	}
	watched.Certificates = nil // they would take precedence over GetCertificate
	watched.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if config.GetCertificate == nil {
			shown(&config.Certificates[0])
			return &config.Certificates[0], nil
		}
		certificate, err := config.GetCertificate(hello)
		shown(certificate)
		return certificate, err
	}
	return watched
}
