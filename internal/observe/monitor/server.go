package monitor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"metadb/internal/admin/admission"
)

// Config configures a [Server].
type Config struct {
	// Address is host:port. A host other than loopback needs TLS and a token.
	Address string
	TLS     *tls.Config
	// Token is required from clients ("Authorization: Bearer …"), except for /healthz, and for
	// /readyz, which has the reason only with it; if it is empty, no token is required.
	Token string
	// Ready returns the reason why the server is not ready, nil if it is. It is called at most once
	// a second.
	Ready   func(ctx context.Context) error
	Metrics *Metrics
	// Logger logs refused clients; nil discards the log.
	Logger *slog.Logger
	// WrongTokenDelay replaces the default of one second, if it is not zero.
	WrongTokenDelay time.Duration
	// PageData queries the database for the page's tables and rejected events, while there are
	// viewers; if it is nil, the page does not have them.
	PageData func(ctx context.Context) (PageData, error)
}

// These are the bounds on clients.
const (
	requestTimeout  = 10 * time.Second
	shutdownTimeout = time.Second
	headerBytes     = 16 << 10
)

// Server answers HTTP requests.
type Server struct {
	http     *http.Server
	listener net.Listener
	history  *rateHistory
	gate     *tokenGate
}

// Listen opens the address. If other machines can reach it, TLS and a token are required.
func Listen(config Config) (*Server, error) {
	host, _, err := net.SplitHostPort(config.Address)
	if err != nil {
		return nil, fmt.Errorf("http_listen: %w", err)
	}
	if !isLoopback(host) && (config.TLS == nil || config.Token == "") {
		return nil, fmt.Errorf("http_listen: %s can be reached from other machines: set http_tls_cert, http_tls_key and http_token, or use 127.0.0.1", host)
	}
	listener, err := net.Listen("tcp", config.Address)
	if err != nil {
		return nil, fmt.Errorf("http_listen: %w", err)
	}
	if config.TLS != nil {
		listener = tls.NewListener(listener, config.TLS)
	}
	gate := newTokenGate(config)
	config.Metrics.ShowRefused("http", gate.refusalCounts)
	return &Server{listener: listener, history: config.Metrics.history, gate: gate, http: &http.Server{
		Handler:           newHandler(config, gate),
		ErrorLog:          gate.errorLog(),
		ReadHeaderTimeout: requestTimeout,
		ReadTimeout:       requestTimeout,
		MaxHeaderBytes:    headerBytes,
	}}, nil
}

// isLoopback reports whether a host is a loopback address or "localhost".
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close closes the listener of a server that does not serve. It does nothing for a nil Server.
func (s *Server) Close() error {
	if s == nil {
		return nil
	}
	return s.listener.Close()
}

// SetToken replaces the token. It refuses an empty one if other machines can reach the address.
func (s *Server) SetToken(token string) error {
	host, _, err := net.SplitHostPort(s.listener.Addr().String())
	if err != nil {
		return fmt.Errorf("http_listen: %w", err)
	}
	if token == "" && !isLoopback(host) {
		return errors.New("http_token has no value, and http_listen can be reached from other machines: the token stays as it was")
	}
	s.gate.setToken(token)
	return nil
}

// Serve answers requests until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	// The streams of viewers end with the server.
	s.http.BaseContext = func(net.Listener) context.Context { return ctx }
	sampling, stopSampling := context.WithCancel(ctx)
	var sampler sync.WaitGroup
	sampler.Go(func() { s.history.runSampling(sampling) })
	sampler.Go(func() { s.gate.refusals.Run(sampling) })
	defer sampler.Wait()
	defer stopSampling()
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		err := s.http.Shutdown(ctx)
		if err != nil {
			err = s.http.Close()
		}
		stopped <- err
	})
	err := s.http.Serve(s.listener)
	if stop() {
		return fmt.Errorf("http_listen: %w", err) // the server ended without a request to stop
	}
	return errors.Join(ctx.Err(), <-stopped)
}

// Handler returns the handler of a [Server] without a listener.
func Handler(config Config) http.Handler { return newHandler(config, newTokenGate(config)) }

// newHandler returns the routes. All are GET.
func newHandler(config Config, gate *tokenGate) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") })
	mux.Handle("GET /readyz", &readinessCheck{query: config.Ready, gate: gate})
	for name, kind := range pageFileTypes() {
		mux.Handle("GET /"+name, gate.requireToken(serveFile(name, kind)))
	}
	mux.Handle("GET /{$}", gate.requireToken(serveFile("index.html", "text/html; charset=utf-8")))
	mux.Handle("GET /events", gate.requireToken(&eventStream{
		history: config.Metrics.history, details: newPageDataCache(config.PageData), refusals: &gate.refusals,
		places: admission.NewPlaces(admission.Limits{All: maxViewers, Address: maxViewersOfAddress, Local: maxViewersOfMachine}),
	}))
	mux.Handle("GET /status", gate.requireToken(&statusJSON{config.Metrics.history.sources}))
	mux.Handle("GET /metrics", gate.requireToken(promhttp.HandlerFor(config.Metrics.registry, promhttp.HandlerOpts{})))
	return gate.requireOwnHost(mux)
}

func writeText(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, text)
}
