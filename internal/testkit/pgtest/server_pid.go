package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Pid returns the process id of the cluster's server: the first line of postmaster.pid.
// https://www.postgresql.org/docs/current/storage-file-layout.html
func (c *Cluster) Pid() (int, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, "data", "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("find PostgreSQL's process: %w", err)
	}
	line, _, ok := strings.Cut(string(text), "\n")
	if !ok {
		return 0, errors.New("find PostgreSQL's process: postmaster.pid has no line")
	}
	return strconv.Atoi(line)
}
