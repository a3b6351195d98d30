package datasource

import (
	"regexp"
	"slices"
	"strings"
)

// Values of the option security.
const (
	SecuritySSL           = "ssl"
	SecurityPlaintext     = "plaintext"
	SecuritySASLSSL       = "sasl_ssl"
	SecuritySASLPlaintext = "sasl_plaintext"
)

// Values of the option sasl_mechanism.
const (
	MechanismPlain       = "plain"
	MechanismSCRAMSHA256 = "scram-sha-256"
	MechanismSCRAMSHA512 = "scram-sha-512"
)

// Options is one data source: its name and every option of docs/spec/07-commands.md#data-sources, each as the
// text that the administrator gave. An empty text is an option without a
// value. Lists (Brokers, Topics and the filters) are comma-separated.
type Options struct {
	Name   string
	Enable bool
	// Type is the kind of the source: see package source. It never changes.
	Type string

	Brokers, Security     string
	Topics, ConsumerGroup string

	SchemaPassFilter, SchemaStopFilter, TableStopFilter string
	TrimSchemaPrefix, AddSchemaPrefix, MapPublicSchema  string
	Module                                              string

	SASLMechanism, SASLUsername, SASLPassword string
	UnavailablePlaceholder                    string
	SSLCAFile, SSLCertFile, SSLKeyFile        string
	RejectedLimit                             string
	SilenceWarning                            string
	HeartbeatTopic, HeartbeatTable            string
	NullMeansUnchanged                        string
	SASLPasswordFile, SASLPasswordEnv         string
}

// DefaultType is the kind of a data source unless another one is given.
const DefaultType = "kafka"

// New returns the options of a new data source: of the default type, enabled, secured by ssl, and
// otherwise without values.
func New(name string) *Options {
	return &Options{Name: name, Enable: true, Type: DefaultType, Security: SecuritySSL}
}

// Names returns the names of all options, in the order of the documentation.
func Names() []string {
	return []string{
		"brokers", "security", "topics", "consumer_group",
		"schema_pass_filter", "schema_stop_filter", "table_stop_filter",
		"trim_schema_prefix", "add_schema_prefix", "map_public_schema", "module",
		"sasl_mechanism", "sasl_username", "sasl_password",
		"unavailable_value_placeholder", "ssl_ca_file", "ssl_cert_file", "ssl_key_file",
		"rejected_limit", "silence_warning", "heartbeat_topic", "heartbeat_table", "null_means_unchanged",
		"sasl_password_file", "sasl_password_env",
	}
}

// Canonical returns the name of an option that scripts of Metadb 1.x may write differently, and any
// other word as it is.
func Canonical(key string) string {
	switch key {
	case "consumergroup":
		return "consumer_group"
	case "schemapassfilter":
		return "schema_pass_filter"
	case "schemastopfilter":
		return "schema_stop_filter"
	case "tablestopfilter":
		return "table_stop_filter"
	case "trimschemaprefix":
		return "trim_schema_prefix"
	case "addschemaprefix":
		return "add_schema_prefix"
	}
	return key
}

// IsSecret reports whether an option's value must never be shown.
func IsSecret(key string) bool { return key == "sasl_password" }

// IsLive reports whether a change of the option is used at the next connection.
// The others are used only when the server starts, or at a sync: docs/spec/06-synchronization.md#when-changed-options-are-used.
func IsLive(key string) bool {
	return slices.Contains([]string{
		"brokers", "security", "sasl_mechanism", "sasl_username", "sasl_password", "sasl_password_file", "sasl_password_env",
		"ssl_ca_file", "ssl_cert_file", "ssl_key_file", "rejected_limit", "silence_warning", "heartbeat_topic",
	}, key)
}

// Set gives an option a value. On an error, an [UnknownOptionError] or an [InvalidOptionError], o
// is unchanged.
func (o *Options) Set(key, value string) error {
	field := o.fieldOf(key)
	if field == nil {
		return &UnknownOptionError{Key: key}
	}
	if err := checkOption(key, value); err != nil {
		return err
	}
	*field = value
	return nil
}

// Get returns an option's value; ok is false if there is no such option or if
// it has no value.
func (o *Options) Get(key string) (value string, ok bool) {
	field := o.fieldOf(key)
	if field == nil || *field == "" {
		return "", false
	}
	return *field, true
}

// Unset removes an option's value; security gets its default. The error is an [UnknownOptionError].
func (o *Options) Unset(key string) error {
	field := o.fieldOf(key)
	if field == nil {
		return &UnknownOptionError{Key: key}
	}
	*field = ""
	if key == "security" {
		*field = SecuritySSL
	}
	return nil
}

// TopicExpressions returns the compiled expressions of Topics.
func (o *Options) TopicExpressions() ([]*regexp.Regexp, error) {
	return Expressions("topics", o.Topics)
}

// BrokerList returns the elements of Brokers.
func (o *Options) BrokerList() []string {
	var list []string
	for broker := range strings.SplitSeq(o.Brokers, ",") {
		if broker = strings.TrimSpace(broker); broker != "" {
			list = append(list, broker)
		}
	}
	return list
}

// UsesSASL reports whether Security asks for SASL authentication.
func (o *Options) UsesSASL() bool {
	return o.Security == SecuritySASLSSL || o.Security == SecuritySASLPlaintext
}

// UsesTLS reports whether Security asks for TLS.
func (o *Options) UsesTLS() bool {
	return o.Security == SecuritySSL || o.Security == SecuritySASLSSL
}

// fieldOf returns the field of an option, nil if there is no option of that name.
func (o *Options) fieldOf(key string) *string {
	i := slices.Index(Names(), key)
	if i < 0 {
		return nil
	}
	return o.fieldList()[i]
}

// fieldList returns the fields of all options, in the order of [Names].
func (o *Options) fieldList() []*string {
	return []*string{
		&o.Brokers, &o.Security, &o.Topics, &o.ConsumerGroup,
		&o.SchemaPassFilter, &o.SchemaStopFilter, &o.TableStopFilter,
		&o.TrimSchemaPrefix, &o.AddSchemaPrefix, &o.MapPublicSchema, &o.Module,
		&o.SASLMechanism, &o.SASLUsername, &o.SASLPassword,
		&o.UnavailablePlaceholder, &o.SSLCAFile, &o.SSLCertFile, &o.SSLKeyFile,
		&o.RejectedLimit, &o.SilenceWarning, &o.HeartbeatTopic, &o.HeartbeatTable, &o.NullMeansUnchanged,
		&o.SASLPasswordFile, &o.SASLPasswordEnv,
	}
}
