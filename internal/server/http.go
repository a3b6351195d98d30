package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/monitor"
	"metadb/internal/status"
)

// listenHTTP opens what answers over HTTP, nil if that is not wanted.
func (s *server) listenHTTP(pool *pgxpool.Pool, metrics *monitor.Metrics, registry *status.Registry) (*monitor.Server, error) {
	if s.config.HTTPListen == "" {
		return nil, nil
	}
	certificate, err := certificate("http", s.config.HTTPCert, s.config.HTTPKey)
	if err != nil {
		return nil, err
	}
	return monitor.Listen(monitor.Config{
		Address: s.config.HTTPListen,
		TLS:     certificate,
		Token:   s.config.HTTPToken,
		Ready:   func(ctx context.Context) error { return ready(ctx, pool, registry) },
		Metrics: metrics,
	})
}

// ready says why the server is not ready: the database does not answer, or a
// source does not stream.
func ready(ctx context.Context, pool *pgxpool.Pool, registry *status.Registry) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	var troubles []string
	for _, r := range registry.Reports() {
		switch r.Stream {
		case status.Starting, status.Error:
			troubles = append(troubles, fmt.Sprintf("source %q: %s %s", r.Name, r.Stream, r.Message))
		case status.Active, status.Gap, status.Waiting, status.Inactive:
		}
	}
	if len(troubles) > 0 {
		return fmt.Errorf("%s", strings.Join(troubles, "; "))
	}
	return nil
}
