package status

import (
	"maps"
	"slices"
)

// skippedTables are the tables without a primary key, by their names at the source.
type skippedTables struct {
	// targets has the name that each table would have here.
	targets map[string]string
	// warned names those of which the log has a warning. It outlives the list.
	warned map[string]bool
}

// Skip lists a table that has no primary key, by its name at the source and the one
// that it would have here. It reports whether a warning is due: once in a run.
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

// HasKey takes from the list what would have a name here, because rows of it are
// copied.
func (s *Source) HasKey(target string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.skipped.targets, func(_, name string) bool { return name == target })
}

// ResetSkipped empties the list, and lets the next warning be one: the stream is read
// with other options, or from another snapshot.
func (s *Source) ResetSkipped() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skipped = skippedTables{}
}

// sourceNames returns the tables' names at the source, sorted.
func (s *skippedTables) sourceNames() []string { return slices.Sorted(maps.Keys(s.targets)) }
