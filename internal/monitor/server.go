package monitor

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Config is what a [Server] needs.
type Config struct {
	// Address is host:port. Another host than loopback needs TLS and a token.
	Address string
	TLS     *tls.Config
	// Token is what clients have to show ("Authorization: Bearer …"), but for
	// /healthz and /readyz; empty means that nobody is asked.
	Token string
	// Ready says why the server is not ready, nil if it is. It is asked at
	// most once a second.
	Ready   func(ctx context.Context) error
	Metrics *Metrics
	// Detail asks the database what the page shows of tables and rejected
	// events, while somebody looks; nil shows nothing of it.
	Detail func(ctx context.Context) (Detail, error)
}

// Bounds on clients.
const (
	requestTime  = 10 * time.Second
	shutdownTime = time.Second
	headerBytes  = 16 << 10
)

// Server answers HTTP requests.
type Server struct {
	http     *http.Server
	listener net.Listener
	history  *history
}

// Listen opens the address. It refuses one that others can reach without TLS and
// a token.
func Listen(config Config) (*Server, error) {
	host, _, err := net.SplitHostPort(config.Address)
	if err != nil {
		return nil, fmt.Errorf("http_listen: %w", err)
	}
	if !loopback(host) && (config.TLS == nil || config.Token == "") {
		return nil, fmt.Errorf("http_listen: %s can be reached from other machines: set http_tls_cert, http_tls_key and http_token, or use 127.0.0.1", host)
	}
	listener, err := net.Listen("tcp", config.Address)
	if err != nil {
		return nil, fmt.Errorf("http_listen: %w", err)
	}
	if config.TLS != nil {
		listener = tls.NewListener(listener, config.TLS)
	}
	return &Server{listener: listener, history: config.Metrics.history, http: &http.Server{
		Handler:           Handler(config),
		ReadHeaderTimeout: requestTime,
		ReadTimeout:       requestTime,
		MaxHeaderBytes:    headerBytes,
	}}, nil
}

// loopback reports whether an address is one that only this machine reaches.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Addr is the address that is listened on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close closes the address of a server that does not serve. A nil Server has
// none.
func (s *Server) Close() error {
	if s == nil {
		return nil
	}
	return s.listener.Close()
}

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	// Viewers go when the server does.
	s.http.BaseContext = func(net.Listener) context.Context { return ctx }
	sampling, stopSampling := context.WithCancel(ctx)
	var sampler sync.WaitGroup
	sampler.Go(func() { s.history.run(sampling) })
	defer sampler.Wait()
	defer stopSampling()
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
		defer cancel()
		err := s.http.Shutdown(ctx)
		if err != nil {
			err = s.http.Close()
		}
		stopped <- err
	})
	err := s.http.Serve(s.listener)
	if stop() {
		return fmt.Errorf("http_listen: %w", err) // it was not asked to stop
	}
	return errors.Join(ctx.Err(), <-stopped)
}

// Handler routes requests. Only reading is possible.
func Handler(config Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	ready := &readiness{ask: config.Ready}
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := ready.check(r.Context()); err != nil {
			answer(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		answer(w, http.StatusOK, "ready")
	})
	for name, kind := range files() {
		mux.Handle("GET /"+name, guarded(config.Token, file(name, kind)))
	}
	mux.Handle("GET /{$}", guarded(config.Token, file("index.html", "text/html; charset=utf-8")))
	mux.Handle("GET /events", guarded(config.Token, &events{
		history: config.Metrics.history, details: newDetails(config.Detail), places: make(chan struct{}, viewersAtAll),
	}))
	mux.Handle("GET /metrics", guarded(config.Token, promhttp.HandlerFor(config.Metrics.registry, promhttp.HandlerOpts{})))
	if config.Token == "" {
		return ownHost(mux)
	}
	return mux
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, text)
}

// guarded lets through who shows the token: as a bearer, or as the password that a
// browser asks for, with any name.
func guarded(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if _, password, basic := r.BasicAuth(); basic {
			shown, ok = password, true
		}
		if !ok || subtle.ConstantTimeCompare([]byte(shown), []byte(token)) != 1 {
			w.Header().Add("WWW-Authenticate", `Bearer realm="metadb"`)
			w.Header().Add("WWW-Authenticate", `Basic realm="metadb", charset="UTF-8"`)
			answer(w, http.StatusUnauthorized, "a bearer token is needed: see http_token in metadb.conf")
			return
		}
		next.ServeHTTP(w, r)
	})
}
