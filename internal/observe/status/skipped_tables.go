package status

import (
	"maps"
	"slices"
)

// skippedTables are the tables without a primary key, by their names at the source.
type skippedTables struct {
	// targets contains the name that each table would have here.
	targets map[string]string
	// warned contains the tables with a warning in the log. HasKey leaves it unchanged.
	warned map[string]bool
}

// Skip adds a table without a primary key, by its name at the source and the name that it would
// have here. It reports whether a warning is due: once until ResetSkipped.
func (s *Source) Skip(source, target string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.skipped.targets == nil {
		s.skipped.targets = make(map[string]string)
	}
	s.skipped.targets[source] = target
	if s.skipped.warned[source] {
		return false
	}
	if s.skipped.warned == nil {
		s.skipped.warned = make(map[string]bool)
	}
	s.skipped.warned[source] = true
	return true
}

// HasKey removes the tables that would have a name here, because rows of that table are copied.
func (s *Source) HasKey(target string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.skipped.targets, func(_, name string) bool { return name == target })
}

// ResetSkipped removes all tables and allows new warnings: the stream begins to be read with other
// options, or from another snapshot.
func (s *Source) ResetSkipped() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skipped = skippedTables{}
}

// sourceNames returns the tables' names at the source, sorted.
func (s *skippedTables) sourceNames() []string { return slices.Sorted(maps.Keys(s.targets)) }
