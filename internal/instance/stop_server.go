package instance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Stop sends SIGTERM to the process that holds the lock, and returns when it has ended. It reports
// false if no process was running. ctx bounds the wait.
func (d *Dir) Stop(ctx context.Context) (bool, error) {
	pid, running, err := d.Running()
	if err != nil || !running {
		return false, err
	}
	for pid == 0 { // it holds the lock and has not written its number yet
		if err := sleepPoll(ctx); err != nil {
			return true, err
		}
		if pid, running, err = d.Running(); err != nil || !running {
			return true, err
		}
	}
	if !d.hasLockOpen(pid) {
		// The process may have ended since, or another one may have started.
		if now, running, err := d.Running(); err != nil || !running || now != pid {
			return true, err
		}
		return true, fmt.Errorf("the server on data directory %q is not process %d of this machine: it may run in a container, or see other process numbers; stop it there", d.path, pid)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return true, fmt.Errorf("stop process %d: %w", pid, err)
	}
	for {
		now, running, err := d.Running()
		// Another number is another server that was started meanwhile.
		if err != nil || !running || now != pid && now != 0 {
			return true, err
		}
		if err := sleepPoll(ctx); err != nil {
			return true, fmt.Errorf("process %d has been asked to stop, and has not: %w", pid, err)
		}
	}
}

// hasLockOpen reports whether a process has the locked file open. The number in the file may be that of
// another process: one that was started later, or, if the server runs in a container with process
// numbers of its own, any process of this machine.
// https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html
func (d *Dir) hasLockOpen(pid int) bool {
	locked, err := os.Stat(filepath.Join(d.path, pidFile))
	if err != nil {
		return false
	}
	files := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(files)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		open, err := os.Stat(filepath.Join(files, entry.Name()))
		if err == nil && os.SameFile(open, locked) {
			return true
		}
	}
	return false
}
