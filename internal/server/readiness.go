package server

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"metadb/internal/observe/status"
	"metadb/internal/target/dbsession"
)

// checkReady returns the reason for which the server is not ready: the streams have not been
// started, the database does not answer, or a source does not stream.
func (s *supervisor) checkReady(ctx context.Context) error {
	s.mu.Lock()
	begun := s.runCtx != nil
	s.mu.Unlock()
	if !begun {
		return errors.New("the server is starting or stopping")
	}
	ctx, cancel := context.WithTimeout(ctx, dbsession.ConnectTimeout)
	defer cancel()
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	return checkStreaming(s.registry.Reports())
}

// checkStreaming returns an error with the sources that do not stream. A source with parked
// tables streams, because its other tables are applied.
func checkStreaming(reports []status.Report) error {
	var troubles []string
	for _, r := range reports {
		switch r.Stream {
		case status.Error:
			if len(r.Parked) > 0 {
				continue
			}
			fallthrough
		case status.Starting:
			troubles = append(troubles, strings.TrimSpace(fmt.Sprintf("source %q: %s %s", r.Name, r.Stream, r.Message)))
		case status.Active, status.Gap, status.Silent, status.Waiting, status.Inactive:
		}
	}
	if len(troubles) > 0 {
		return errors.New(strings.Join(troubles, "; "))
	}
	return nil
}
