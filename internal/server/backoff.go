package server

import (
	"context"
	"time"
)

// Pauses after a failure: the first and the longest. The longest lets a stream continue within
// five seconds after the cause is removed.
const (
	firstPause = 250 * time.Millisecond
	maxPause   = 4 * time.Second
)

// sleepContext waits for d. It returns the context's error if ctx ends first.
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

// backoff returns pauses that double up to maxPause. The zero value starts with firstPause.
type backoff struct{ next time.Duration }

func (g *backoff) waitNext(ctx context.Context) error {
	d := max(g.next, firstPause)
	g.next = min(2*d, maxPause)
	return sleepContext(ctx, d)
}

func (g *backoff) resetPause() { g.next = 0 }
