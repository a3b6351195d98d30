package datasource_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"metadb/internal/datasource"
)

// valid returns options without a fault.
func valid() *datasource.Options {
	o := datasource.New("sensor")
	o.Brokers, o.Topics, o.ConsumerGroup = "kafka.example.org:9092, other", `^a\.,^b`, "g"
	return o
}

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		set  map[string]string
		want string
	}{
		{"everything needed", nil, ""},
		{"no brokers", map[string]string{"brokers": ""}, `option "brokers" is required`},
		{"brokers without an element", map[string]string{"brokers": " , "}, `option "brokers" is required`},
		{"no topics", map[string]string{"topics": ","}, `option "topics" is required`},
		{"no group", map[string]string{"consumer_group": ""}, `option "consumer_group" is required`},
		{"bad expression", map[string]string{"topics": "^a,(b"}, `invalid value for option "topics": regular expression "(b": missing closing )`},
		{"bad filter", map[string]string{"table_stop_filter": "[a"}, `invalid value for option "table_stop_filter": regular expression "[a": missing closing ]`},
		{"port without a host", map[string]string{"brokers": ":9092"}, `invalid value for option "brokers": ":9092" is not HOST:PORT`},
		{"port out of range", map[string]string{"brokers": "a:99999"}, `invalid value for option "brokers": "a:99999" has no valid port`},
		{"IPv6", map[string]string{"brokers": "[::1]:9092"}, ""},
		{"unknown security", map[string]string{"security": "tls"}, `invalid value for option "security": "tls" is not one of its values`},
		{"sasl without credentials", map[string]string{"security": "sasl_ssl"}, `option "sasl_mechanism" is required with security "sasl_ssl"`},
		{
			"sasl", map[string]string{"security": "sasl_ssl", "sasl_mechanism": "plain", "sasl_username": "u", "sasl_password": "p"}, "",
		},
		{"certificate without a key", map[string]string{"ssl_cert_file": "c"}, `option "ssl_key_file" is required with ssl_cert_file`},
		{"key without a certificate", map[string]string{"ssl_key_file": "k"}, `option "ssl_cert_file" is required with ssl_key_file`},
		{"unknown module", map[string]string{"module": "x"}, `invalid value for option "module": "x" is not one of its values`},
		{"reserved schema", map[string]string{"map_public_schema": "pg_x"}, `invalid value for option "map_public_schema": schema "pg_x" is reserved`},
		{"unknown option", map[string]string{"broker": "x"}, `invalid option "broker"`},
		{"null character", map[string]string{"consumer_group": "a\x00"}, `invalid value for option "consumer_group": it contains a null character`},
	}
	for _, test := range tests {
		o := valid()
		var err error
		for key, value := range test.set {
			err = errors.Join(err, o.Set(key, value))
		}
		if err == nil {
			err = o.Validate()
		}
		if got := message(err); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestSetKeepsOnError checks that a refused value changes nothing.
func TestSetKeepsOnError(t *testing.T) {
	t.Parallel()
	o := valid()
	if err := o.Set("topics", "("); err == nil {
		t.Fatal("no error")
	}
	if o.Topics != valid().Topics {
		t.Errorf("topics %q", o.Topics)
	}
}

func TestUnset(t *testing.T) {
	t.Parallel()
	o := valid()
	o.Security = datasource.SecurityPlaintext
	if err := errors.Join(o.Unset("security"), o.Unset("topics")); err != nil {
		t.Fatal(err)
	}
	if o.Security != datasource.SecuritySSL || o.Topics != "" {
		t.Errorf("security %q, topics %q", o.Security, o.Topics)
	}
	var unknown *datasource.UnknownOptionError
	if err := o.Unset("x"); !errors.As(err, &unknown) || unknown.Key != "x" {
		t.Error(err)
	}
}

// TestEveryOption checks that each name has a field of its own.
func TestEveryOption(t *testing.T) {
	t.Parallel()
	o := datasource.New("x")
	for _, key := range datasource.Names() {
		value := map[string]string{
			"security": "plaintext", "sasl_mechanism": "plain", "module": "folio", "rejected_limit": "7", "silence_warning": "1 h", "heartbeat_table": "a.b",
			"sasl_password_file": "/x/sasl_password", "sasl_password_env": "METADB_SASL_X",
		}[key]
		if value == "" {
			value = "value_" + key
		}
		if err := o.Set(key, value); err != nil {
			t.Error(err)
		}
	}
	seen := make(map[string]bool)
	for _, key := range datasource.Names() {
		value, ok := o.Get(key)
		if !ok || key != "sasl_mechanism" && seen[value] {
			t.Errorf("%s: %q", key, value)
		}
		seen[value] = true
	}
}

func TestSplitExpressions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		list string
		want []string
	}{
		{"", nil},
		{" , ,", nil},
		{"a", []string{"a"}},
		{" ^a\\. , b$ ", []string{"^a\\.", "b$"}},
		{"a{1,3},b", []string{"a{1,3}", "b"}},
		{"[a,b],[],],[^],],c", []string{"[a,b]", "[],]", "[^],]", "c"}},
		{"[[],a", []string{"[[]", "a"}},
		{"(a,b),c", []string{"(a,b)", "c"}},
		{`a\,b,\(,c`, []string{`a\,b`, `\(`, "c"}},
	}
	for _, test := range tests {
		if got := datasource.SplitExpressions(test.list); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.list, got, test.want)
		}
	}
}

// TestSplitPlain checks that a list of plain words splits at every comma.
func TestSplitPlain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[a-z^$.*]{1,8}`)).Draw(t, "words")
		if got := datasource.SplitExpressions(strings.Join(words, ",")); !slices.Equal(got, words) {
			t.Fatalf("%q, want %q", got, words)
		}
	})
}
