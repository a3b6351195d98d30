package command

import "context"

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
