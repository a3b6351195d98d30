package server

import (
	"context"
	"time"
)

// Pauses after a failure: the first, and what they grow to, which is short enough
// for the stream to go on within five seconds after what failed is mended.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 4 * time.Second
)

// wait waits, or until ctx ends, which is the error.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// growing are pauses that double. The zero value begins with the first.
type growing struct{ next time.Duration }

func (g *growing) wait(ctx context.Context) error {
	d := max(g.next, firstPause)
	g.next = min(2*d, longestPause)
	return wait(ctx, d)
}

func (g *growing) reset() { g.next = 0 }
