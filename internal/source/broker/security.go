package broker

import (
	"metadb/internal/datasource"
	"metadb/internal/instance"
	"metadb/internal/source/kafka"
)

// Security returns the connection settings of a data source's broker, with a password that
// the key decrypts.
func Security(o *datasource.Options, key instance.SecretKey) kafka.Security {
	s := kafka.Security{TLS: o.UsesTLS(), CAFile: o.SSLCAFile, CertFile: o.SSLCertFile, KeyFile: o.SSLKeyFile}
	if o.UsesSASL() {
		s.Mechanism, s.Username, s.Password = o.SASLMechanism, o.SASLUsername, func() (string, error) { return o.Password(key) }
	}
	return s
}
