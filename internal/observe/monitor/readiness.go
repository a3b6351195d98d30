package monitor

import (
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	// readyInterval is the time for which a result is valid: probes must not become load.
	readyInterval = time.Second
	// readyTimeout bounds a check: probes wait no longer than a few seconds.
	readyTimeout = 2 * time.Second
)

// readinessCheck answers probes, and caches the last result for a moment.
type readinessCheck struct {
	query func(ctx context.Context) error
	gate  *tokenGate

	mu   sync.Mutex
	last error
	at   time.Time
}

// ServeHTTP answers whether the server is ready. The reason if it is not contains names of sources
// and the address of the database: only a client with the token gets it.
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

// checkReady checks the database, or returns the cached result. The check's context is independent
// of the request: a client that disconnects must not spoil the result for others.
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
