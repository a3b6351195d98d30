package command

import "context"

// commandLock is what one command at a time holds. Unlike a mutex, waiting for it ends
// with the context: a synchronization may take an hour, and whoever waits behind
// it can give up.
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
