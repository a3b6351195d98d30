package datasource

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	// passwordFilePrefix is the prefix that the base names of files in sasl_password_file need,
	// passwordVariablePrefix that of variables. The contents are sent to a broker that the data
	// source's creator chose: they must not be the superuser's password, or a key.
	passwordFilePrefix     = "sasl"
	passwordVariablePrefix = "METADB_SASL_"
)

// validatePassword checks that SASL has exactly one password option.
func (o *Options) validatePassword() error {
	given := ""
	for _, key := range []string{"sasl_password", "sasl_password_file", "sasl_password_env"} {
		if _, ok := o.Get(key); !ok {
			continue
		}
		if given != "" {
			return &InvalidOptionError{Key: key, Reason: fmt.Sprintf("option \"%s\" is given already: one of them is enough", given)}
		}
		given = key
	}
	if given == "" && o.UsesSASL() {
		return o.requireValue("sasl_password", fmt.Sprintf("security \"%s\"", o.Security))
	}
	return nil
}

func checkPasswordFile(key, value string) error {
	if !filepath.IsAbs(value) || filepath.Clean(value) != value || !strings.HasPrefix(filepath.Base(value), passwordFilePrefix) {
		return &InvalidOptionError{Key: key, Reason: fmt.Sprintf("it is the absolute path of a file whose name begins with %q, so that no other secret can be named", passwordFilePrefix)}
	}
	return nil
}

func checkPasswordVariable(key, value string) error {
	if !strings.HasPrefix(value, passwordVariablePrefix) {
		return &InvalidOptionError{Key: key, Reason: fmt.Sprintf("it is the name of an environment variable that begins with %s, so that no other secret can be named", passwordVariablePrefix)}
	}
	return nil
}

// sealedPrefix is the prefix of an encrypted password.
const sealedPrefix = "sealed:"

// Sealer encrypts secrets before they are stored in the database.
type Sealer interface {
	Seal(text string) (string, error)
}

// Opener decrypts the texts of a Sealer.
type Opener interface {
	Open(sealed string) (string, error)
}

// IsSealed reports whether the password is encrypted, or empty.
func (o *Options) IsSealed() bool {
	return o.SASLPassword == "" || strings.HasPrefix(o.SASLPassword, sealedPrefix)
}

// Seal encrypts the password unless it is encrypted already.
func (o *Options) Seal(sealer Sealer) error {
	if o.IsSealed() {
		return nil
	}
	sealed, err := sealer.Seal(o.SASLPassword)
	if err != nil {
		return fmt.Errorf("encrypt sasl_password: %w", err)
	}
	o.SASLPassword = sealedPrefix + sealed
	return nil
}

// Password returns the password for the broker, from its option, file or variable.
func (o *Options) Password(opener Opener) (string, error) {
	sealed, isSealed := strings.CutPrefix(o.SASLPassword, sealedPrefix)
	switch {
	case isSealed:
		password, err := opener.Open(sealed)
		if err != nil {
			return "", fmt.Errorf("sasl_password has to be set again: %w", err)
		}
		return password, nil
	case o.SASLPasswordFile != "":
		text, err := os.ReadFile(o.SASLPasswordFile)
		if err != nil {
			return "", fmt.Errorf("read sasl_password_file: %w", err)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	case o.SASLPasswordEnv != "":
		password, ok := os.LookupEnv(o.SASLPasswordEnv)
		if !ok {
			return "", fmt.Errorf("sasl_password_env: the server's environment has no variable %s", o.SASLPasswordEnv)
		}
		return password, nil
	}
	return o.SASLPassword, nil
}
