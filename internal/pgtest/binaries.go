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

// ErrNoBinaries says that PostgreSQL's server programs are not installed.
var ErrNoBinaries = errors.New("PostgreSQL's server programs (initdb, postgres), version 15 or later, were not found: " +
	"run scripts/install, or set PGBIN to their folder")

// Binaries returns the folder of PostgreSQL's server programs: $PGBIN, or the
// newest version under /usr/lib/postgresql, or where initdb is in the path.
func Binaries() (string, error) {
	if dir := os.Getenv("PGBIN"); dir != "" {
		return dir, nil
	}
	best, bestVersion := "", minVersion-1
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", fmt.Errorf("look for PostgreSQL: %w", err)
	}
	for _, path := range dirs {
		dir := filepath.Dir(path)
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		if err == nil && version > bestVersion {
			best, bestVersion = dir, version
		}
	}
	if best != "" {
		return best, nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", ErrNoBinaries
	}
	return filepath.Dir(path), nil
}
