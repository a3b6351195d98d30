package server

import (
	"context"
	"fmt"
	"time"

	"metadb/internal/resync"
)

// countConfirmed counts in the background how many rows a synchronization has
// to confirm and has confirmed already, for list status; batches count on from
// there, and from time to time all is counted again: batches don't tell whether what a
// change confirms was confirmed before.
func (s *stream) countConfirmed() {
	s.scope.mu.Lock()
	defer s.scope.mu.Unlock()
	now := s.scope.now
	if s.scope.counting != nil {
		s.scope.counting()
		s.scope.counting = nil
	}
	s.state.ClearConfirming()
	if !now.Keeps() {
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
		began := time.Now()
		// It is only for the status, which says nothing where nothing can be counted.
		if err := s.countOnce(ctx, now, true); err != nil {
			return
		}
		s.working.Go(func() { s.tellConfirmed(ctx) })
		for {
			took := time.Since(began)
			s.scope.guesses.Store(took < recountInterval)
			if wait(ctx, max(recountInterval, recountShare*took)) != nil {
				return
			}
			if began = time.Now(); s.scope.moved.Swap(false) && s.state.Report().Confirming.Ending == "" {
				_ = s.countOnce(ctx, now, false)
			}
		}
	})
}

// recountInterval is how often confirmed rows are counted again, at most; recountShare bounds
// the part of the time that counting takes, on a large database.
const (
	recountInterval = time.Second
	recountShare    = 100
)

// count is how many rows a table has and how many are confirmed.
type count struct{ current, confirmed int64 }

// countOnce counts the rows of what is synchronized, and shows that in the status: the
// first time, or as a correction.
func (s *stream) countOnce(ctx context.Context, now *resync.Scope, first bool) error {
	var all count
	counts := make(map[string]count)
	for target := range now.Targets() {
		progress, err := resync.LoadProgress(ctx, s.pool, now, target)
		if err != nil {
			return err
		}
		for t := range s.tables.store.Snapshot().All() {
			if !progress.Keeps() || t.IsTransformed() || t.Source != s.captured.Name || !target.Whole() && t.Name != target.Table {
				continue
			}
			var of count
			of.current, of.confirmed, err = progress.Count(ctx, s.pool, t)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				continue // a table that can't be read says nothing of the others
			}
			all = count{all.current + of.current, all.confirmed + of.confirmed}
			counts[t.Name.String()] = of
		}
	}
	s.scope.mu.Lock()
	defer s.scope.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	set, setTable := s.state.SetConfirming, s.state.SetTableConfirming
	if !first {
		set, setTable = s.state.CorrectConfirming, s.state.CorrectTableConfirming
	}
	set(all.current, all.confirmed)
	for name, of := range counts {
		setTable(name, of.current, of.confirmed)
	}
	return nil
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
