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

// Config is what a [Server] needs.
type Config struct {
	// Address is host:port. Another host than loopback needs TLS and a token.
	Address string
	TLS     *tls.Config
	// Token is what clients have to show ("Authorization: Bearer …"), but for
	// /healthz and /readyz, which says why only to who shows it; empty means that nobody is asked.
	Token string
	// Ready says why the server is not ready, nil if it is. It is asked at
	// most once a second.
	Ready   func(ctx context.Context) error
	Metrics *Metrics
	// Logger gets who was refused; nil is nobody.
	Logger *slog.Logger
	// WrongTokenDelay replaces a second, if it is not zero.
	WrongTokenDelay time.Duration
	// PageData asks the database what the page shows of tables and rejected
	// events, while somebody looks; nil shows nothing of it.
	PageData func(ctx context.Context) (PageData, error)
}

// Bounds on clients.
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

// Listen opens the address. It refuses one that others can reach without TLS and
// a token.
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

// isLoopback reports whether an address is one that only this machine reaches.
func isLoopback(host string) bool {
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

// SetToken has clients show another token from now on. An address that others can reach keeps
// asking for one.
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

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	// Viewers go when the server does.
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
		return fmt.Errorf("http_listen: %w", err) // it was not asked to stop
	}
	return errors.Join(ctx.Err(), <-stopped)
}

// Handler answers as a [Server] does, without one.
func Handler(config Config) http.Handler { return newHandler(config, newTokenGate(config)) }

// newHandler routes requests. Only reading is possible.
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
	mux.Handle("GET /metrics", gate.requireToken(promhttp.HandlerFor(config.Metrics.registry, promhttp.HandlerOpts{})))
	return gate.requireOwnHost(mux)
}

func writeText(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, text)
}
