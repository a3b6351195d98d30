package instance

import (
	"fmt"
	"slices"
	"strings"
)

// configKeys has the keys of metadb.conf with their defaults.
var configKeys = []struct{ name, value string }{
	{"host", ""},
	{"port", "5432"},
	{"database", ""},
	{"superuser", "postgres"},
	{"superuser_password", ""},
	{"superuser_password_file", ""},
	{"systemuser", "mdbadmin"},
	{"systemuser_password", ""},
	{"systemuser_password_file", ""},
	{"sslmode", "require"},
	{"sslrootcert", ""},
	{"sslcert", ""},
	{"sslkey", ""},
	{"admin_listen", "127.0.0.1"},
	{"admin_tls_cert", ""},
	{"admin_tls_key", ""},
	{"admin_auth", "password"},
	{"http_listen", ""},
	{"http_tls_cert", ""},
	{"http_tls_key", ""},
	{"http_token", ""},
}

// movedKeys has the keys of Metadb 1.x's metadb.conf that are parameters now.
var movedKeys = []string{"checkpoint_segment_size", "max_poll_interval"}

// configSetting is one value and its line, 0 for a default.
type configSetting struct {
	value string
	line  int
}

// configSettings has the values of a file.
type configSettings struct {
	file   string
	values map[string]configSetting
}

// parseConfig reads the text of metadb.conf: one section [main], lines of key = value or key: value,
// comments on lines of their own. A value ends with its line, since passwords contain # and ;.
// Quotes around a whole value are removed.
func parseConfig(file, text string) (*configSettings, error) {
	s := &configSettings{file: file, values: make(map[string]configSetting)}
	for _, key := range configKeys {
		s.values[key.name] = configSetting{value: key.value}
	}
	section := ""
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
			continue
		case line[0] == '[':
			if line != "[main]" {
				return nil, fmt.Errorf("%s line %d: unknown section %s: the only one is [main]", file, number, line)
			}
			section = line
			continue
		case section == "":
			return nil, fmt.Errorf("%s line %d: [main] must come before the first key", file, number)
		}
		if err := s.setLine(line, number); err != nil {
			return nil, fmt.Errorf("%s line %d: %w", file, number, err)
		}
	}
	return s, nil
}

// setLine parses one line of key = value.
func (s *configSettings) setLine(line string, number int) error {
	at := strings.IndexAny(line, "=:")
	if at < 0 {
		// The line may be a part of a password, and so is not shown.
		return fmt.Errorf("not of the form \"key = value\"")
	}
	key := strings.TrimSpace(line[:at])
	before, known := s.values[key]
	switch {
	case slices.Contains(movedKeys, key):
		return fmt.Errorf("%s is no key of this file any more: remove the line, start the server, and set it on the administration port "+
			"with: alter system set %s = 'VALUE';", key, key)
	case !known:
		return fmt.Errorf("unknown key %q: the keys are %s", key, keyNames())
	case before.line > 0:
		return fmt.Errorf("%s has been given in line %d already", key, before.line)
	}
	value := strings.TrimSpace(line[at+1:])
	if value == "" && before.value != "" {
		// An empty value keeps the default, except for the names of the roles.
		value = emptyValue(key, before.value)
	}
	s.values[key] = configSetting{value: unquoteValue(value), line: number}
	return nil
}

// emptyValue returns the value of a key that has a default and is given without a value.
func emptyValue(key, standard string) string {
	if key == "superuser" || key == "systemuser" {
		return ""
	}
	return standard
}

func unquoteValue(value string) string {
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return value[1 : n-1]
	}
	return value
}

func (s *configSettings) valueOf(key string) string { return s.values[key].value }

// valueError returns an error about the value of a key, with file and line.
func (s *configSettings) valueError(key, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if line := s.values[key].line; line > 0 {
		return fmt.Errorf("%s line %d: %w", s.file, line, err)
	}
	return fmt.Errorf("%s: %w", s.file, err)
}

func keyNames() string {
	names := make([]string, len(configKeys))
	for i, key := range configKeys {
		names[i] = key.name
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
