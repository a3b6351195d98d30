package datasource_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"metadb/internal/datasource"
)

// TestPassword reads the password from one place, which must be meant for brokers' passwords.
func TestPassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sasl_sensor")
	if err := os.WriteFile(path, []byte("of the file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("METADB_SASL_SENSOR", "of the environment")
	const other = `invalid value for option "sasl_password_file": it is the absolute path of a file whose name begins with "sasl", so that no other secret can be named`
	for _, test := range []struct {
		set           map[string]string
		want, refused string
	}{
		{map[string]string{"sasl_password": "plain"}, "plain", ""},
		{map[string]string{"sasl_password_file": path}, "of the file", ""},
		{map[string]string{"sasl_password_env": "METADB_SASL_SENSOR"}, "of the environment", ""},
		{map[string]string{}, "", `option "sasl_password" is required with security "sasl_ssl"`},
		{map[string]string{"sasl_password_file": path, "sasl_password": "x"}, "", `invalid value for option "sasl_password_file": option "sasl_password" is given already: one of them is enough`},
		{map[string]string{"sasl_password_file": "/var/lib/metadb/data/metadb.conf"}, "", other},
		{map[string]string{"sasl_password_file": "/x/sasl/../../etc/shadow"}, "", other},
		{map[string]string{"sasl_password_file": "/x/sasl_dir/../shadow"}, "", other},
		{map[string]string{"sasl_password_file": "sasl"}, "", other},
		{
			map[string]string{"sasl_password_env": "METADB_SUPERUSER_PASSWORD"},
			"",
			`invalid value for option "sasl_password_env": it is the name of an environment variable that begins with METADB_SASL_, so that no other secret can be named`,
		},
	} {
		o := valid()
		o.Security, o.SASLMechanism, o.SASLUsername = datasource.SecuritySASLSSL, "plain", "u"
		var err error
		for key, value := range test.set {
			if err = o.Set(key, value); err != nil {
				break
			}
		}
		if err == nil {
			err = o.Validate()
		}
		if message(err) != test.refused {
			t.Errorf("%v: %v", test.set, err)
		}
		if err != nil {
			continue
		}
		if got, err := o.Password(reversed{}); err != nil || got != test.want {
			t.Errorf("%v: %q, %v", test.set, got, err)
		}
	}
	missing := &datasource.Options{SASLPasswordFile: path + "x"}
	if _, err := missing.Password(reversed{}); err == nil {
		t.Error("a file that is not there has a password")
	}
}

// reversed seals by writing backwards.
type reversed struct{}

func (reversed) Seal(text string) (string, error) {
	runes := []rune(text)
	slices.Reverse(runes)
	return string(runes), nil
}

func (r reversed) Open(sealed string) (string, error) { return r.Seal(sealed) }

// TestSealedPassword seals a password once, and opens it.
func TestSealedPassword(t *testing.T) {
	t.Parallel()
	o := valid()
	o.SASLPassword = "abc"
	for range 2 {
		if err := o.Seal(reversed{}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := o.Password(reversed{})
	if err != nil || got != "abc" || o.SASLPassword != "sealed:cba" {
		t.Errorf("%q, stored %q, %v", got, o.SASLPassword, err)
	}
}
