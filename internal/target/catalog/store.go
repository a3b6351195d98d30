package catalog

import (
	"sync"
	"sync/atomic"

	"metadb/internal/change"
)

// Store holds the present snapshot. Readers never wait; it is safe for
// concurrent use.
type Store struct {
	// publishMu serializes publications: each starts from the snapshot of the one before.
	publishMu sync.Mutex
	current   atomic.Pointer[Snapshot]
}

// NewStore returns a store without tables.
func NewStore() *Store { return &Store{} }

// Snapshot returns the tables as they are now.
func (s *Store) Snapshot() *Snapshot { return s.current.Load() }

// Publish adds or replaces tables. It is called after the transaction that
// made them has been committed, never before; the tables must not be changed
// afterwards.
func (s *Store) Publish(tables ...*Table) {
	s.publishMu.Lock()
	defer s.publishMu.Unlock()
	s.current.Store(s.current.Load().withTables(tables))
}

// Forget removes tables that have been dropped from the database.
func (s *Store) Forget(names ...change.Table) {
	s.publishMu.Lock()
	defer s.publishMu.Unlock()
	s.current.Store(s.current.Load().withoutTables(names))
}
