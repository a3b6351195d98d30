package instance

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// minTokenBytes is the least length of http_token that can't be guessed.
const minTokenBytes = 16

// ReadableSecrets returns warnings of files with secrets that other users may read or change:
// metadb.conf, and the files that it names.
func (c *Config) ReadableSecrets() []string {
	var lines []string
	for _, path := range c.secretFiles {
		if line := readableBy(path); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// readableBy returns a warning if other users may read or change a file with a secret, by
// PostgreSQL's rule for its own: the group of a file that belongs to root may read it. It is empty
// for a missing file too.
// https://www.postgresql.org/docs/current/ssl-tcp.html#SSL-SETUP
func readableBy(path string) string {
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

// joinDir returns a path relative to a directory as one relative to the working directory; an
// absolute path stays as it is.
func joinDir(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// weakToken returns a warning of a token that can be guessed, empty if it can't.
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
