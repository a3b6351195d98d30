package monitor

import (
	"context"
	"sync"
	"time"
)

// readyInterval is for how long an answer is good: probes must not become load.
const readyInterval = time.Second

// readiness remembers the last answer for a moment.
type readiness struct {
	ask func(ctx context.Context) error

	mu   sync.Mutex
	last error
	at   time.Time
}

func (r *readiness) check(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) >= readyInterval {
		r.last, r.at = r.ask(ctx), time.Now()
	}
	return r.last
}
