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
	// readyTimeout bounds asking: probes wait no longer than some seconds.
	readyTimeout = 2 * time.Second
)

// readinessCheck answers probes, and remembers the last answer for a moment.
type readinessCheck struct {
	query func(ctx context.Context) error
	gate  *tokenGate

	mu   sync.Mutex
	last error
	at   time.Time
}

// ServeHTTP says whether the server is ready. Why it is not has the names of sources and the
// address of the database: it is only for who shows the token.
func (r *readinessCheck) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	known := r.gate.checkToken(request)
	if known == tokenWrong {
		r.gate.refuseToken(w, request)
		return
	}
	switch err := r.checkReady(request.Context()); {
	case err == nil:
		writeText(w, http.StatusOK, "ready")
	case known == tokenRight:
		writeText(w, http.StatusServiceUnavailable, err.Error())
	default:
		writeText(w, http.StatusServiceUnavailable, "not ready; with the token of http_token the answer says why")
	}
}

// checkReady asks, or returns what was answered a moment ago. The question is nobody's own: that
// the client of one request goes away is no answer for the others.
func (r *readinessCheck) checkReady(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) >= readyInterval {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
		defer cancel()
		r.last, r.at = r.query(ctx), time.Now()
	}
	return r.last
}
