package datasource

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// maxNameBytes is the length of PostgreSQL's identifiers, which bounds names of data sources and of
// schemas.
const maxNameBytes = 63

// UnknownOptionError is the error for an option that does not exist.
type UnknownOptionError struct{ Key string }

func (e *UnknownOptionError) Error() string { return fmt.Sprintf("invalid option \"%s\"", e.Key) }

// InvalidOptionError is the error for an invalid value of an option. It does not contain the value,
// which may be a secret.
type InvalidOptionError struct {
	Key    string
	Reason string
	// Choices has the valid values, if they are few.
	Choices []string
}

func (e *InvalidOptionError) Error() string {
	return fmt.Sprintf("invalid value for option \"%s\": %s", e.Key, e.Reason)
}

// MissingOptionError is the error for a required option without a value.
type MissingOptionError struct {
	Key string
	// Because is the option and value that require it; empty if it is always required.
	Because string
}

func (e *MissingOptionError) Error() string {
	if e.Because == "" {
		return fmt.Sprintf("option \"%s\" is required", e.Key)
	}
	return fmt.Sprintf("option \"%s\" is required with %s", e.Key, e.Because)
}

// Validate checks the options together: required options have values, and all values are valid. It
// returns the first fault, an error type of this package.
func (o *Options) Validate() error {
	if err := ValidateName(o.Name); err != nil {
		return err
	}
	for i, key := range Names() {
		if err := checkOption(key, *o.fieldList()[i]); err != nil {
			return err
		}
	}
	for _, key := range []string{"brokers", "topics", "consumer_group"} {
		if err := o.requireValue(key, ""); err != nil {
			return err
		}
	}
	return o.validateSecurity()
}

// ValidateName checks the name of a data source.
func ValidateName(name string) error {
	switch {
	case name == "":
		return &InvalidOptionError{Key: "name", Reason: "the name is empty"}
	case len(name) > maxNameBytes:
		return &InvalidOptionError{Key: "name", Reason: fmt.Sprintf("longer than %d bytes", maxNameBytes)}
	}
	return nil
}

// validateSecurity checks the options that go together: SASL with its
// credentials, a certificate with its key.
func (o *Options) validateSecurity() error {
	if o.UsesSASL() {
		for _, key := range []string{"sasl_mechanism", "sasl_username"} {
			if err := o.requireValue(key, fmt.Sprintf("security \"%s\"", o.Security)); err != nil {
				return err
			}
		}
	}
	if err := o.validatePassword(); err != nil {
		return err
	}
	if o.SSLCertFile != "" {
		if err := o.requireValue("ssl_key_file", "ssl_cert_file"); err != nil {
			return err
		}
	}
	if o.SSLKeyFile != "" {
		return o.requireValue("ssl_cert_file", "ssl_key_file")
	}
	return nil
}

// requireValue returns a MissingOptionError unless the option has a value, or, for a list, an element.
func (o *Options) requireValue(key, because string) error {
	value, _ := o.Get(key)
	if strings.Trim(value, ", ") == "" {
		return &MissingOptionError{Key: key, Because: because}
	}
	return nil
}

// checkOption returns an error if the value is not valid for the option of that name. An empty value is
// valid here; Validate checks the required options.
func checkOption(key, value string) error {
	if value == "" {
		return nil
	}
	if strings.ContainsRune(value, 0) {
		return &InvalidOptionError{Key: key, Reason: "it contains a null character"}
	}
	switch key {
	case "security":
		return checkChoice(key, value, SecuritySSL, SecurityPlaintext, SecuritySASLSSL, SecuritySASLPlaintext)
	case "sasl_mechanism":
		return checkChoice(key, value, MechanismPlain, MechanismSCRAMSHA256, MechanismSCRAMSHA512)
	case "module":
		return checkChoice(key, value, "folio", "reshare")
	case "sasl_password_file":
		return checkPasswordFile(key, value)
	case "sasl_password_env":
		return checkPasswordVariable(key, value)
	case "null_means_unchanged":
		_, err := (&Options{NullMeansUnchanged: value}).MeansUnchanged()
		return err
	case "topics", "schema_pass_filter", "schema_stop_filter", "table_stop_filter":
		_, err := Expressions(key, value)
		return err
	case "brokers":
		return checkBrokers(value)
	case "silence_warning":
		_, err := parseSilence(value)
		return err
	case "heartbeat_table":
		if schema, table, found := strings.Cut(value, "."); !found || schema == "" || table == "" {
			return &InvalidOptionError{Key: key, Reason: fmt.Sprintf("\"%s\" is not SCHEMA.TABLE", value)}
		}
		return nil
	case "rejected_limit":
		_, _, err := parseRejectedLimit(value)
		return err
	case "map_public_schema":
		return checkSchemaName(key, value)
	}
	return nil
}

func checkChoice(key, value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return &InvalidOptionError{Key: key, Reason: fmt.Sprintf("\"%s\" is not one of its values", value), Choices: choices}
}

// checkBrokers checks that each broker is a host, or a host and a port.
func checkBrokers(value string) error {
	for broker := range strings.SplitSeq(value, ",") {
		broker = strings.TrimSpace(broker)
		if broker == "" || !strings.Contains(broker, ":") {
			continue
		}
		host, port, err := net.SplitHostPort(broker)
		if err != nil || host == "" {
			return &InvalidOptionError{Key: "brokers", Reason: fmt.Sprintf("\"%s\" is not HOST:PORT", broker)}
		}
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return &InvalidOptionError{Key: "brokers", Reason: fmt.Sprintf("\"%s\" has no valid port", broker)}
		}
	}
	return nil
}

// checkSchemaName refuses the schemas that a source can't be mapped to.
func checkSchemaName(key, value string) error {
	if value == "metadb" || value == "information_schema" || strings.HasPrefix(value, "pg_") {
		return &InvalidOptionError{Key: key, Reason: fmt.Sprintf("schema \"%s\" is reserved", value)}
	}
	return nil
}
