package instance

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// minTokenBytes is how long http_token has to be not to be guessed.
const minTokenBytes = 16

// ReadableSecrets warns of files with secrets that others may read or change: metadb.conf, and those that it
// names.
func (c *Config) ReadableSecrets() []string {
	var lines []string
	for _, path := range c.secretFiles {
		if line := readable(path); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// readable says who else may read a file with a secret, by PostgreSQL's rule for its own: its
// group may where it belongs to root. It is empty where nobody else may, and where there is no file.
// https://www.postgresql.org/docs/current/ssl-tcp.html#SSL-SETUP
func readable(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "" // who needs it says so
	}
	forbidden := os.FileMode(0o077)
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid == 0 && os.Geteuid() != 0 {
		forbidden = 0o027
	}
	if mode := info.Mode().Perm(); mode&forbidden != 0 {
		return fmt.Sprintf("%s holds a secret, and others may read or change it (mode %04o): chmod 600 %s", path, mode, path)
	}
	return ""
}

// within returns a path that is relative to a directory as it is from here.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// weakToken warns of a token that can be guessed.
func (c *Config) weakToken() string {
	if c.HTTPToken == "" {
		return ""
	}
	different := make(map[rune]bool)
	for _, r := range c.HTTPToken {
		different[r] = true
	}
	const minDifferent = 6
	if len(c.HTTPToken) >= minTokenBytes && len(different) >= minDifferent {
		return ""
	}
	return fmt.Sprintf("http_token can be guessed: use %d random characters or more, such as those of: openssl rand -hex 16", minTokenBytes)
}
