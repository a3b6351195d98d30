package command

import (
	"context"
)

// Lock is the lock that a command holds while it runs.
type Lock string

const (
	// LockNone lets a command run beside all others.
	LockNone Lock = ""
	// LockStreams is for commands that change data sources, origins and main tables, so that the
	// stored state and the running streams change together.
	LockStreams Lock = "streams"
	// LockUsers is for commands about users, which do not wait for a synchronization.
	LockUsers Lock = "users"
)

// commandLock is a lock that one command at a time holds. Unlike a mutex's, its wait ends with the
// context: a synchronization may take an hour, and a client that waits for it can cancel.
type commandLock chan struct{}

func newCommandLock() commandLock { return make(commandLock, 1) }

func (l commandLock) acquire(ctx context.Context) error {
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l commandLock) release() { <-l }
