package server

import (
	"context"
	"fmt"
	"time"

	"metadb/internal/catalog"
	"metadb/internal/resync"
)

// countConfirmed counts in the background how many rows a resynchronization has
// to confirm and has confirmed already, for list status; batches count on from
// there.
func (s *stream) countConfirmed() {
	s.scope.mu.Lock()
	defer s.scope.mu.Unlock()
	now := s.scope.now
	if s.scope.counting != nil {
		s.scope.counting()
		s.scope.counting = nil
	}
	s.state.ClearConfirming()
	if now.Mode() == resync.Initial {
		return
	}
	var tables []*catalog.Table
	for t := range s.tables.store.Snapshot().All() {
		_, itself := now.Targets()[resync.Target{Source: t.Source, Table: t.Name}]
		if !t.IsTransformed() && t.Source == s.captured.Name && (itself || now.Mode() == resync.Resync) {
			tables = append(tables, t)
		}
	}
	if len(tables) == 0 {
		return
	}
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	if s.streams.ctx == nil {
		return // the server stops
	}
	ctx, cancel := context.WithCancel(s.life)
	s.scope.counting = cancel
	s.working.Go(func() {
		defer cancel()
		var current, confirmed int64
		type count struct{ current, confirmed int64 }
		counts := make(map[string]count, len(tables))
		for _, t := range tables {
			var of, seen int64
			err := s.pool.QueryRow(ctx, "SELECT (SELECT count(*) FROM "+t.Current.SQL()+"), (SELECT count(DISTINCT __id) FROM "+t.Sync.SQL()+")").Scan(&of, &seen)
			if err != nil && ctx.Err() != nil {
				return
			}
			if err != nil {
				continue // it is only for the status
			}
			current, confirmed = current+of, confirmed+seen
			counts[t.Name.String()] = count{of, seen}
		}
		s.scope.mu.Lock()
		if ctx.Err() == nil {
			s.state.SetConfirming(current, confirmed)
			for name, of := range counts {
				s.state.SetTableConfirming(name, of.current, of.confirmed)
			}
		}
		s.scope.mu.Unlock()
		s.tellConfirmed(ctx)
	})
}

// tellConfirmed writes to the log from time to time how far a resynchronization
// has come, until ctx ends.
func (s *stream) tellConfirmed(ctx context.Context) {
	for told := ""; wait(ctx, tellInterval) == nil; {
		if line := s.state.Report().Confirming.String(); line != told {
			s.logger.Info(fmt.Sprintf("source %q: %s", s.captured.Name, line))
			told = line
		}
	}
}

// tellInterval is how often the log says how far a resynchronization has come.
const tellInterval = time.Minute
