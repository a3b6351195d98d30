package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// signalBackends signals the server's children. They are found in /proc: each
// has a process group of its own.
func (c *Cluster) signalBackends(signal syscall.Signal) error {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return fmt.Errorf("look for backends: %w", err)
	}
	for _, path := range stats {
		pid, parent, ok := parseStat(path)
		if !ok || parent != c.process.Pid {
			continue
		}
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal backend %d: %w", pid, err)
		}
	}
	return nil
}

// parseStat reads the process and its parent from /proc/PID/stat. A process
// that has ended meanwhile is not ok.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func parseStat(path string) (pid, parent int, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, false
	}
	// The command is in parentheses and may hold anything, so the fields
	// are counted from the last one.
	_, rest, found := strings.Cut(string(text[max(0, strings.LastIndexByte(string(text), ')')):]), ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 2 {
		return 0, 0, false
	}
	pid, errPID := strconv.Atoi(filepath.Base(filepath.Dir(path)))
	parent, errParent := strconv.Atoi(fields[1])
	return pid, parent, errPID == nil && errParent == nil
}
