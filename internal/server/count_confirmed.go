package server

import (
	"context"
	"fmt"
	"time"

	"metadb/internal/backoff"
	"metadb/internal/resync"
)

// countConfirmed starts counting the rows that a synchronization has to confirm and has
// confirmed, for list status. Batches add to the counts. Rows are counted again at intervals,
// because a batch does not show whether a change confirms a row for the first time.
func (s *stream) countConfirmed() {
	s.scope.mu.Lock()
	defer s.scope.mu.Unlock()
	now := s.scope.current
	if s.scope.stopCounting != nil {
		s.scope.stopCounting()
		s.scope.stopCounting = nil
	}
	s.state.ConfirmedRows().Clear()
	if !now.KeepsConfirmed() {
		return
	}
	s.supervisor.mu.Lock()
	defer s.supervisor.mu.Unlock()
	if s.supervisor.runCtx == nil {
		return // the server stops
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.scope.stopCounting = cancel
	s.working.Go(func() {
		defer cancel()
		if backoff.Sleep(ctx, firstCountDelay) != nil {
			return
		}
		began := time.Now()
		// The counts are only for the status, which omits them then.
		if err := s.countOnce(ctx, now, true); err != nil {
			return
		}
		s.working.Go(func() { s.logConfirmed(ctx) })
		for {
			took := time.Since(began)
			s.scope.countsEstimated.Store(took < recountInterval)
			if backoff.Sleep(ctx, max(recountInterval, recountShare*took)) != nil {
				return
			}
			if began = time.Now(); s.scope.appliedSinceCount.Swap(false) && s.state.Report().Confirming.Ending == "" {
				_ = s.countOnce(ctx, now, false)
			}
		}
	})
}

// firstCountDelay is the time before the first count. The first batches of a snapshot often
// begin another attempt of it, for which the rows are counted anew.
const firstCountDelay = 500 * time.Millisecond

// recountInterval is the minimum time between two counts. recountShare bounds the share of time
// spent counting a large database: one part in recountShare.
const (
	recountInterval = time.Second
	recountShare    = 100
)

// confirmedCount is the number of a table's current rows and of the confirmed ones.
type confirmedCount struct{ current, confirmed int64 }

// countOnce counts the rows of the synchronized tables and sets the counts of the status, or
// corrects them unless it is the first count.
func (s *stream) countOnce(ctx context.Context, now *resync.Scope, first bool) error {
	var all confirmedCount
	counts := make(map[string]confirmedCount)
	for target := range now.Targets() {
		progress, err := resync.LoadProgress(ctx, s.pool, now, target)
		if err != nil {
			return err
		}
		for t := range s.tables.store.Snapshot().All() {
			if !progress.KeepsConfirmed() || t.IsTransformed() || t.Source != s.startOptions.Name || !target.Whole() && t.Name != target.Table {
				continue
			}
			var of confirmedCount
			of.current, of.confirmed, err = progress.Count(ctx, s.pool, t)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				continue // the other tables can be counted
			}
			all = confirmedCount{all.current + of.current, all.confirmed + of.confirmed}
			counts[t.Name.String()] = of
		}
	}
	s.scope.mu.Lock()
	defer s.scope.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	set, setTable := s.state.ConfirmedRows().SetCounts, s.state.ConfirmedRows().SetTableCounts
	if !first {
		set, setTable = s.state.ConfirmedRows().CorrectCounts, s.state.ConfirmedRows().CorrectTableCounts
	}
	set(all.current, all.confirmed)
	for name, of := range counts {
		setTable(name, of.current, of.confirmed)
	}
	return nil
}

// logConfirmed logs the progress of a resynchronization at intervals, until ctx ends.
func (s *stream) logConfirmed(ctx context.Context) {
	for told := ""; backoff.Sleep(ctx, confirmedLogInterval) == nil; {
		if line := s.state.Report().Confirming.String(); line != told {
			s.logger.Info(fmt.Sprintf("source %q: %s", s.startOptions.Name, line))
			told = line
		}
	}
}

// confirmedLogInterval is the time between two such log lines.
const confirmedLogInterval = time.Minute
