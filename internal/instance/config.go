package instance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Environment variables with passwords, which take precedence over metadb.conf.
const (
	SuperuserPasswordVariable  = "METADB_SUPERUSER_PASSWORD"
	SystemUserPasswordVariable = "METADB_SYSTEMUSER_PASSWORD"
)

// Role is a role of the database and its password, which may be empty.
type Role struct{ Name, Password string }

// Config is the configuration in metadb.conf, with the passwords from their files and variables.
type Config struct {
	Host     string
	Port     int
	Database string
	// Superuser is the role for actions that only a superuser may do. It has no name where the
	// system user is enough, as it can be from PostgreSQL 16 on. SystemUser owns all objects of
	// Metadb.
	Superuser, SystemUser Role
	// SSLMode is one of libpq's modes:
	// https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
	SSLMode string
	// SSLRootCert is a PEM file with the authorities that verify the database's certificate, empty
	// for the system's. SSLCert and SSLKey are the client's own certificate, both or neither.
	SSLRootCert, SSLCert, SSLKey string

	// AdminListen is the address of the administration port.
	AdminListen string
	// AdminCert and AdminKey are PEM files, both or neither.
	AdminCert, AdminKey string
	// AdminTrust lets clients use the administration port without a password.
	AdminTrust bool

	// HTTPListen is the host:port of the HTTP server, empty for no server.
	HTTPListen string
	// HTTPCert and HTTPKey are PEM files, both or neither; HTTPToken is the token that clients have
	// to send.
	HTTPCert, HTTPKey, HTTPToken string

	// secretFiles has metadb.conf and the files with secrets that it names.
	secretFiles []string
	// latest has the passwords that were read last.
	latest *latestPasswords
}

// Config reads metadb.conf. Errors name the file with the line, or the key.
func (d *Dir) Config() (*Config, error) {
	path := filepath.Join(d.path, configFile)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s does not exist: %q is not a data directory, or the file was removed", path, d.path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s can't be read by user %q", path, userName(os.Geteuid()))
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", configFile, err)
	}
	settings, err := parseConfig(path, string(text))
	if err != nil {
		return nil, err
	}
	c, err := settings.makeConfig()
	if err != nil {
		return nil, err
	}
	c.secretFiles = []string{path}
	for _, file := range []string{c.SSLKey, c.AdminKey, c.HTTPKey} {
		if file != "" {
			c.secretFiles = append(c.secretFiles, file)
		}
	}
	return c, c.lookUpPasswords(d.path, settings)
}

// makeConfig makes a Config of the settings, without the passwords of other files and of variables.
func (s *configSettings) makeConfig() (*Config, error) {
	for _, key := range []string{"host", "database", "systemuser"} {
		if s.valueOf(key) == "" {
			return nil, s.valueError(key, "%s has no value", key)
		}
	}
	c := &Config{
		latest:      &latestPasswords{},
		Host:        s.valueOf("host"),
		Database:    s.valueOf("database"),
		Superuser:   Role{Name: s.valueOf("superuser"), Password: s.valueOf("superuser_password")},
		SystemUser:  Role{Name: s.valueOf("systemuser"), Password: s.valueOf("systemuser_password")},
		SSLMode:     s.valueOf("sslmode"),
		SSLRootCert: s.valueOf("sslrootcert"),
		SSLCert:     s.valueOf("sslcert"),
		SSLKey:      s.valueOf("sslkey"),
		AdminListen: s.valueOf("admin_listen"),
		AdminCert:   s.valueOf("admin_tls_cert"),
		AdminKey:    s.valueOf("admin_tls_key"),
		HTTPListen:  s.valueOf("http_listen"),
		HTTPCert:    s.valueOf("http_tls_cert"),
		HTTPKey:     s.valueOf("http_tls_key"),
		HTTPToken:   s.valueOf("http_token"),
	}
	var err error
	if c.Port, err = strconv.Atoi(s.valueOf("port")); err != nil || c.Port < 1 || c.Port > 65535 {
		return nil, s.valueError("port", "port must be a number from 1 to 65535, not %q", s.valueOf("port"))
	}
	modes := []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
	if !slices.Contains(modes, c.SSLMode) {
		return nil, s.valueError("sslmode", "sslmode must be one of %s, not %q", strings.Join(modes, ", "), c.SSLMode)
	}
	if (c.SSLCert == "") != (c.SSLKey == "") {
		return nil, s.valueError("sslcert", "sslcert and sslkey go together: one of them has no value")
	}
	if (c.AdminCert == "") != (c.AdminKey == "") {
		return nil, s.valueError("admin_tls_cert", "admin_tls_cert and admin_tls_key go together: one of them has no value")
	}
	if (c.HTTPCert == "") != (c.HTTPKey == "") {
		return nil, s.valueError("http_tls_cert", "http_tls_cert and http_tls_key go together: one of them has no value")
	}
	switch auth := s.valueOf("admin_auth"); auth {
	case "password":
	case "trust":
		c.AdminTrust = true
	default:
		return nil, s.valueError("admin_auth", "admin_auth must be password or trust, not %q", auth)
	}
	if c.Superuser.Name == c.SystemUser.Name {
		return nil, s.valueError("systemuser", "systemuser must be another role than superuser: the tables should not belong to a superuser")
	}
	return c, nil
}

// lookUpPasswords reads passwords from the environment, or from the files that the configuration
// names, relative to the data directory.
func (c *Config) lookUpPasswords(dir string, s *configSettings) error {
	for _, p := range []struct {
		role          *Role
		variable, key string
	}{
		{&c.Superuser, SuperuserPasswordVariable, "superuser_password_file"},
		{&c.SystemUser, SystemUserPasswordVariable, "systemuser_password_file"},
	} {
		if password := os.Getenv(p.variable); password != "" {
			p.role.Password = password
			continue
		}
		file := s.valueOf(p.key)
		if file == "" {
			continue
		}
		file = joinDir(dir, file)
		c.secretFiles = append(c.secretFiles, file)
		text, err := os.ReadFile(file)
		if err != nil {
			return s.valueError(p.key, "%s: %w", p.key, err)
		}
		p.role.Password = strings.TrimRight(string(text), "\r\n")
	}
	return nil
}

// Warnings returns lines about the configuration for administrators.
func (c *Config) Warnings() []string {
	var lines []string
	if c.Database != "metadb" && !strings.HasPrefix(c.Database, "metadb_") {
		lines = append(lines, fmt.Sprintf("database %q should be named \"metadb\", or begin with \"metadb_\"", c.Database))
	}
	if c.AdminTrust {
		lines = append(lines, "admin_auth = trust: everybody on this machine may administer Metadb without a password")
	}
	if line := c.weakToken(); line != "" {
		lines = append(lines, line)
	}
	return append(lines, c.ReadableSecrets()...)
}

// ConnString returns the connection string for a role, in libpq's form of keywords and values. It
// also sets the names of files that the driver would otherwise look for in the home directory, so
// that metadb.conf alone decides.
func (c *Config) ConnString(role Role) string {
	role.Password = c.Password(role)
	var b strings.Builder
	for _, field := range []struct{ key, value string }{
		{"host", c.Host},
		{"port", strconv.Itoa(c.Port)},
		{"dbname", c.Database},
		{"user", role.Name},
		{"password", role.Password},
		{"passfile", ""},
		{"sslmode", c.SSLMode},
		{"sslrootcert", c.SSLRootCert},
		{"sslcert", c.SSLCert},
		{"sslkey", c.SSLKey},
		{"target_session_attrs", "any"},
		{"application_name", "metadb"},
	} {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(field.key + "='" + escapeValue.Replace(field.value) + "'")
	}
	return b.String()
}

// escapeValue escapes a quoted value of a connection string:
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE
var escapeValue = strings.NewReplacer(`\`, `\\`, `'`, `\'`)
