package server

import (
	"fmt"
	"log/slog"
	"syscall"
)

// minOpenFiles is the number of files and connections that a process needs: 300 sessions of the
// port with one database session each, clients that have not logged in, and the streams.
const minOpenFiles = 1024

// warnLowFileLimit logs a warning if the process may have fewer. The Go runtime has already
// raised the soft limit to the hard one.
func warnLowFileLimit(logger *slog.Logger) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return
	}
	if line := lowFileLimitText(limit.Cur); line != "" {
		logger.Warn(line)
	}
}

// lowFileLimitText returns the warning about a limit, "" if it suffices.
func lowFileLimitText(allowed uint64) string {
	if allowed >= minOpenFiles {
		return ""
	}
	return fmt.Sprintf("this process may have %d files and connections open: clients may be kept out; at least %d are needed (ulimit -n, LimitNOFILE=)", allowed, minOpenFiles)
}
