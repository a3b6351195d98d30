package adminexec

import "context"

// lane is what one command at a time holds. Unlike a mutex, waiting for it ends
// with the context: a synchronization may take an hour, and whoever waits behind
// it can give up.
type lane chan struct{}

func newLane() lane { return make(lane, 1) }

func (l lane) enter(ctx context.Context) error {
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l lane) leave() { <-l }
