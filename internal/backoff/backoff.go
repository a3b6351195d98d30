package backoff

import (
	"context"
	"time"
)

// Pauses of [Default] after a failure: the first and the longest. The longest lets a stream
// continue within five seconds after the cause is removed.
const (
	FirstPause   = 250 * time.Millisecond
	LongestPause = 4 * time.Second
)

// Backoff returns pauses that double up to the longest one. It is not safe for concurrent use.
type Backoff struct{ first, longest, next time.Duration }

// New returns a backoff with a first and a longest pause.
func New(first, longest time.Duration) *Backoff {
	return &Backoff{first: first, longest: longest, next: first}
}

// Default returns a backoff from FirstPause to LongestPause.
func Default() *Backoff { return New(FirstPause, LongestPause) }

// Wait waits for the next pause. It returns the context's error if ctx ends first.
func (b *Backoff) Wait(ctx context.Context) error {
	pause := b.next
	b.next = min(2*pause, b.longest)
	return Sleep(ctx, pause)
}

// Reset makes the next pause the first one again, after a success.
func (b *Backoff) Reset() { b.next = b.first }

// Sleep waits for d. It returns the context's error if ctx ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
