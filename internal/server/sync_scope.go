package server

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"metadb/internal/change"
	"metadb/internal/observe/status"
	"metadb/internal/pipeline"
	"metadb/internal/resync"
)

// syncScope is the scope of a data source's synchronization, as stored in the database. It is
// loaded and set under its lock, so that the last load wins; nil means that it has to be loaded.
type syncScope struct {
	mu      sync.Mutex
	current *resync.Scope
	// stopCounting stops the current counting of rows.
	stopCounting context.CancelFunc
	// appliedSinceCount is set if a batch has been applied since rows were counted.
	// countsEstimated is set if rows are counted again soon: until then, a row that a change
	// confirms counts as confirmed for the first time.
	appliedSinceCount, countsEstimated atomic.Bool
}

func (s *syncScope) currentScope() *resync.Scope {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// loadScope loads the scope and shows it in the status. After an error it is loaded before the
// next batch.
func (s *stream) loadScope(ctx context.Context) error {
	s.scope.mu.Lock()
	defer s.scope.mu.Unlock()
	return s.readScope(ctx)
}

// ensureScope returns the scope, which it loads if necessary.
func (s *stream) ensureScope(ctx context.Context) (*resync.Scope, error) {
	s.scope.mu.Lock()
	defer s.scope.mu.Unlock()
	if s.scope.current == nil {
		if err := s.readScope(ctx); err != nil {
			return nil, err
		}
	}
	return s.scope.current, nil
}

// readScope is loadScope for a caller that holds the scope's lock.
func (s *stream) readScope(ctx context.Context) error {
	s.scope.current = nil
	now, err := resync.LoadScope(ctx, s.pool, s.startOptions.Name)
	if err != nil {
		return err
	}
	s.scope.current = now
	s.state.SetAttempts(attemptsText(now))
	if len(now.Targets()) > 0 {
		s.state.SetUnexpectedSnapshot("")
	}
	complete, whole := now.Targets()[resync.Target{Source: s.startOptions.Name}]
	switch {
	case !whole:
		s.state.SetSync(status.Normal)
	case complete:
		s.state.SetSync(status.SnapshotComplete)
	default:
		s.state.SetSync(status.Snapshot)
	}
	return nil
}

// markConfirming sets whether each event of a batch confirms its row. The scope does not change
// while the batch is applied.
func (s *stream) markConfirming(ctx context.Context, batch *change.Batch) error {
	now, err := s.ensureScope(ctx)
	if err != nil {
		return err
	}
	if !now.Observed(batch.ExpectedSince) {
		return errUnobserved
	}
	now = now.After(batch.Snapshots)
	batch.NotesChanges = !now.KeepsConfirmed()
	for i := range batch.Events {
		now.Mark(&batch.Events[i])
	}
	return nil
}

// errUnobserved is returned if a batch was searched for attempts of snapshots before the scope
// was loaded. The next try has the scope.
var errUnobserved = errors.New("what is being synchronized was not known when the batch was read")

// expectedSnapshots returns the snapshots that are expected; see pipeline.Config.
func (s *stream) expectedSnapshots() []pipeline.ExpectedSnapshot {
	var all []pipeline.ExpectedSnapshot
	now, filled := s.scope.currentScope(), s.hasTables()
	for target, snapshot := range now.Snapshots() {
		expected := pipeline.ExpectedSnapshot{
			Table: target.Table, Since: snapshot.Since, StartedAt: snapshot.Begun, Notified: snapshot.Notified, PreviousSnapshot: snapshot.Before,
			Complete: snapshot.Complete, Attempts: snapshot.Attempts, KeepsConfirmed: snapshot.KeepsConfirmed, HasTables: filled,
		}
		if now.Mode() != resync.Initial {
			expected.IsCovered = snapshot.IsCovered
		}
		all = append(all, expected)
	}
	return all
}

// hasTables reports whether the source has tables.
func (s *stream) hasTables() bool {
	for t := range s.tables.store.Snapshot().All() {
		if t.Source == s.startOptions.Name {
			return true
		}
	}
	return false
}
