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

// Stop asks the process that holds the lock to stop, and returns when it has.
// It reports false if none was running. The context bounds the waiting.
func (d *Dir) Stop(ctx context.Context) (bool, error) {
	pid, running, err := d.Running()
	if err != nil || !running {
		return false, err
	}
	for pid == 0 { // it holds the lock and has not written its number yet
		if err := pause(ctx); err != nil {
			return true, err
		}
		if pid, running, err = d.Running(); err != nil || !running {
			return true, err
		}
	}
	if !d.holds(pid) {
		// It may have ended since, or another one have begun.
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
		// Another number is another server, started meanwhile.
		if err != nil || !running || now != pid && now != 0 {
			return true, err
		}
		if err := pause(ctx); err != nil {
			return true, fmt.Errorf("process %d has been asked to stop, and has not: %w", pid, err)
		}
	}
}

// holds reports whether a process has the file open that is locked. A number in a file may be
// that of another process: of one that came later, or where the server runs in a container, whose
// processes have numbers of their own.
// https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html
func (d *Dir) holds(pid int) bool {
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
