package server

import (
	"context"
	"time"
)

// Pauses after a failure: the first, and what they grow to, which is short enough
// for the stream to go on within five seconds after what failed is mended.
const (
	firstPause = 250 * time.Millisecond
	maxPause   = 4 * time.Second
)

// sleepContext waits, or until ctx ends, which is the error.
func sleepContext(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// backoff has pauses that double. The zero value begins with the first.
type backoff struct{ next time.Duration }

func (g *backoff) waitNext(ctx context.Context) error {
	d := max(g.next, firstPause)
	g.next = min(2*d, maxPause)
	return sleepContext(ctx, d)
}

func (g *backoff) resetPause() { g.next = 0 }
