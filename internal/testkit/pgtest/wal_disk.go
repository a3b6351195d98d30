package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// FillWALDisk fills the disk of the write-ahead log (Options.WALDisk). PostgreSQL continues
// while it can recycle segments, ends in a PANIC when it needs a new one, and can't start
// before FreeWALDisk. A replication slot without a reader keeps it from recycling any.
func (c *Cluster) FillWALDisk() error {
	file, err := os.OpenFile(c.ballastPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("fill the disk of the log: %w", err)
	}
	_, err = io.Copy(file, zeroReader{})
	if errors.Is(err, syscall.ENOSPC) {
		err = nil
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("fill the disk of the log: %w", err)
	}
	return nil
}

// FreeWALDisk undoes FillWALDisk.
func (c *Cluster) FreeWALDisk() error {
	if err := os.Remove(c.ballastPath()); err != nil {
		return fmt.Errorf("free the disk of the log: %w", err)
	}
	return nil
}

// ballastPath returns the path of a file on the disk, through /proc: only the supervisor and
// its children see the mount.
func (c *Cluster) ballastPath() string {
	return filepath.Join("/proc", strconv.Itoa(c.process.Process.Pid), "root", c.dir, "disk", "ballast")
}

// StartAfterFailure starts a server that has ended by itself, with its disk unchanged, and
// waits until it accepts connections.
func (c *Cluster) StartAfterFailure(ctx context.Context) error {
	if _, err := io.WriteString(c.feed, "again\n"); err != nil {
		return fmt.Errorf("start PostgreSQL again: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return c.awaitReady(ctx)
}

// zeroReader returns zeros without end.
type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
