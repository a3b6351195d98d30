package instance

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	configFile   = "metadb.conf"
	pidFile      = "metadb.pid"
	identityFile = "instance_id"
)

// initialConfig is the metadb.conf that Init writes.
const initialConfig = `[main]
host =
port = 5432
database =
superuser = postgres
superuser_password =
systemuser = mdbadmin
systemuser_password =
sslmode = require
`

// Dir is an existing data directory that this process may use.
type Dir struct{ path string }

// Init makes a data directory (mode 0700) with a metadb.conf (0600) to be
// edited. The directory must not exist.
func Init(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		switch {
		case errors.Is(err, fs.ErrExist):
			return fmt.Errorf("data directory %q exists already: choose another one, or remove it first", path)
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("data directory %q: the folder that it should be in does not exist", path)
		}
		return fmt.Errorf("make data directory: %w", err)
	}
	// The umask may remove more from the mode given to Mkdir than it should.
	if err := os.Chmod(path, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	if err := os.WriteFile(filepath.Join(path, configFile), []byte(initialConfig), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", configFile, err)
	}
	return nil
}

// Open returns the data directory at path. It is an error if there is no directory, or if it
// belongs to a user other than the one of this process.
func Open(path string) (*Dir, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("data directory %q does not exist: make it with \"metadb init\"", path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("data directory %q can't be read by user %q", path, userName(os.Geteuid()))
	case err != nil:
		return nil, fmt.Errorf("open data directory: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("data directory %q is not a directory", path)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		owner := userName(int(stat.Uid))
		return nil, fmt.Errorf("data directory %q belongs to user %q, not to %q: run metadb as %q",
			path, owner, userName(os.Geteuid()), owner)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	return &Dir{path: absolute}, nil
}

// Protected returns an error if users other than the directory's owner may write in it: they could
// replace metadb.conf.
func (d *Dir) Protected() error {
	info, err := os.Stat(d.path)
	if err != nil {
		return fmt.Errorf("look at the data directory: %w", err)
	}
	const writableByOthers = 0o022
	if info.Mode().Perm()&writableByOthers != 0 {
		return fmt.Errorf("data directory %q can be written by others (mode %04o): chmod 700 %s", d.path, info.Mode().Perm(), d.path)
	}
	return nil
}

// Path is the directory's absolute path.
func (d *Dir) Path() string { return d.path }

// Identity returns the name of this installation, which is unique and permanent. The first call
// creates it.
func (d *Dir) Identity() (string, error) {
	path := filepath.Join(d.path, identityFile)
	text, err := os.ReadFile(path)
	if id := strings.TrimSpace(string(text)); err == nil && id != "" {
		return id, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the installation's name: %w", err)
	}
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("name the installation: %w", err)
	}
	id := "metadb-" + hex.EncodeToString(random[:])
	if err := os.WriteFile(path, []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("name the installation: %w", err)
	}
	return id, nil
}

// userName returns the name of a user for messages, or its number if it has no name.
func userName(uid int) string {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return strconv.Itoa(uid)
	}
	return u.Username
}
