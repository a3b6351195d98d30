package status

import (
	"maps"
	"slices"
	"sync"
)

// SkippedTables are the tables without a primary key, by their names at the source. It is safe for
// concurrent use.
type SkippedTables struct {
	mu sync.Mutex
	// targets contains the name that each table would have here.
	targets map[string]string
	// warned contains the tables with a warning in the log. HasKey leaves it unchanged.
	warned map[string]bool
}

// Add adds a table without a primary key, by its name at the source and the name that it would
// have here. It reports whether a warning is due: once until Reset.
func (s *SkippedTables) Add(source, target string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.targets == nil {
		s.targets = make(map[string]string)
	}
	s.targets[source] = target
	if s.warned[source] {
		return false
	}
	if s.warned == nil {
		s.warned = make(map[string]bool)
	}
	s.warned[source] = true
	return true
}

// HasKey removes the tables that would have a name here, because rows of that table are copied.
func (s *SkippedTables) HasKey(target string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.targets, func(_, name string) bool { return name == target })
}

// Reset removes all tables and allows new warnings: the stream begins to be read with other
// options, or from another snapshot.
func (s *SkippedTables) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets, s.warned = nil, nil
}

// sourceNames returns the tables' names at the source, sorted.
func (s *SkippedTables) sourceNames() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.targets))
}
