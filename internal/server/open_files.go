package server

import (
	"fmt"
	"log/slog"
	"syscall"
)

// minOpenFiles is how many files and connections a process must be allowed: 300 sessions of the
// port with one at the database each, clients that have not logged in, and the streams.
const minOpenFiles = 1024

// warnLowFileLimit warns where the process may have fewer open. Go has raised the limit as far as it
// may by then.
func warnLowFileLimit(logger *slog.Logger) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return
	}
	if line := lowFileLimitText(limit.Cur); line != "" {
		logger.Warn(line)
	}
}

// lowFileLimitText says what is wrong with a limit, nothing where it is high enough.
func lowFileLimitText(allowed uint64) string {
	if allowed >= minOpenFiles {
		return ""
	}
	return fmt.Sprintf("this process may have %d files and connections open: clients may be kept out; at least %d are needed (ulimit -n, LimitNOFILE=)", allowed, minOpenFiles)
}
