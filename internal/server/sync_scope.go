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

// syncScope is what of a data source is being synchronized, as the database has it.
// It is loaded and set under its lock, so that what was loaded last is what
// holds; nil means that it has to be loaded.
type syncScope struct {
	mu      sync.Mutex
	current *resync.Scope
	// stopCounting ends the counting of rows that is under way.
	stopCounting context.CancelFunc
	// appliedSinceCount says that a batch has been applied since rows were counted. guesses says that
	// they are counted again soon: until then, what changes confirm counts as confirmed for
	// the first time.
	appliedSinceCount, countsEstimated atomic.Bool
}

func (s *syncScope) currentScope() *resync.Scope {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// loadScope reads what is being synchronized, and shows it in the status. After
// an error it is read again before the next batch.
func (s *stream) loadScope(ctx context.Context) error {
	s.scope.mu.Lock()
	defer s.scope.mu.Unlock()
	return s.readScope(ctx)
}

// ensureScope returns what is being synchronized, which it reads if it has to.
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

// readScope is loadScope under the scope's lock.
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

// markConfirming says of the events of a batch whether they confirm. What is synchronized
// does not change while the batch is applied.
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

// errUnobserved says that a batch was looked through for attempts of snapshots while it
// was not known which synchronization is under way. The next try knows.
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
