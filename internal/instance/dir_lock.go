package instance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// RunningError is the error of a data directory that a server, or a command that needs the
// directory for itself, is using.
type RunningError struct {
	Dir string
	// PID is the process id, 0 if the file has no number.
	PID int
}

func (e *RunningError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("another process uses data directory %q", e.Dir)
	}
	return fmt.Sprintf("a server is running on data directory %q with PID %d", e.Dir, e.PID)
}

// Lock is the exclusive right of this process to use a data directory. The operating system
// releases it when the process ends in any way; the next process takes over a metadb.pid that is
// left.
type Lock struct{ file *os.File }

// maxLockTries is the number of tries after which Lock takes a held lock for another process's.
const maxLockTries = 3

// Lock locks the data directory. The error is a *RunningError if another
// process holds it.
func (d *Dir) Lock() (*Lock, error) {
	path := filepath.Join(d.path, pidFile)
	for tries := 1; ; tries++ {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("lock data directory: %w", err)
		}
		if err := lockFile(file); err != nil {
			_ = file.Close()
			switch {
			case !errors.Is(err, syscall.EWOULDBLOCK):
				return nil, fmt.Errorf("lock data directory: %w", err)
			case tries == maxLockTries:
				return nil, &RunningError{Dir: d.path, PID: readPID(path)}
			}
			// Running holds a shared lock for a moment.
			time.Sleep(stopInterval)
			continue
		}
		// A process that stops removes the file. If this process opened the file before, its lock
		// is on a file without a name, and it tries again.
		if !isFileAt(file, path) {
			_ = file.Close()
			continue
		}
		l := &Lock{file: file}
		if err := l.writeHolder(); err != nil {
			return nil, errors.Join(fmt.Errorf("write %s: %w", pidFile, err), l.Release())
		}
		return l, nil
	}
}

// writeHolder writes the process id into the file.
func (l *Lock) writeHolder() error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// Release removes the file and releases the lock.
func (l *Lock) Release() error {
	return errors.Join(os.Remove(l.file.Name()), l.file.Close())
}

// Running returns the process that holds the lock of the data directory; ok is false if no process
// does.
func (d *Dir) Running() (pid int, ok bool, err error) {
	path := filepath.Join(d.path, pidFile)
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("look for a running server: %w", err)
	}
	defer func() { _ = file.Close() }()
	// The shared lock ends with this function.
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	switch {
	case err == nil:
		return 0, false, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		return readPID(path), true, nil
	}
	return 0, false, fmt.Errorf("look for a running server: %w", err)
}

// stopInterval is the interval of checks of the lock, in Stop and in Lock.
const stopInterval = 50 * time.Millisecond

func sleepPoll(ctx context.Context) error {
	select {
	case <-time.After(stopInterval):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func lockFile(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// isFileAt reports whether the open file is still the one at path.
func isFileAt(file *os.File, path string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(open, named)
}

// readPID returns the number in the file, 0 if there is none.
func readPID(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}
