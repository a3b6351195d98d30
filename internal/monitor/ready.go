package monitor

import (
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	// readyInterval is for how long an answer is good: probes must not become load.
	readyInterval = time.Second
	// readyTime bounds asking: probes wait no longer than some seconds.
	readyTime = 2 * time.Second
)

// readiness answers probes, and remembers the last answer for a moment.
type readiness struct {
	ask  func(ctx context.Context) error
	gate *gate

	mu   sync.Mutex
	last error
	at   time.Time
}

// ServeHTTP says whether the server is ready. Why it is not has the names of sources and the
// address of the database: it is only for who shows the token.
func (r *readiness) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	known := r.gate.look(request)
	if known == wrong {
		r.gate.refuse(w, request)
		return
	}
	switch err := r.check(request.Context()); {
	case err == nil:
		answer(w, http.StatusOK, "ready")
	case known == trusted:
		answer(w, http.StatusServiceUnavailable, err.Error())
	default:
		answer(w, http.StatusServiceUnavailable, "not ready; with the token of http_token the answer says why")
	}
}

// check asks, or returns what was answered a moment ago. The question is nobody's own: that
// the client of one request goes away is no answer for the others.
func (r *readiness) check(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) >= readyInterval {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTime)
		defer cancel()
		r.last, r.at = r.ask(ctx), time.Now()
	}
	return r.last
}
