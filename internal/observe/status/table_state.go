package status

import (
	"cmp"
	"slices"
	"time"

	"metadb/internal/change"
)

// Table is the state of one table since the server started.
type Table struct {
	// Name is schema.table.
	Name string
	// Changed is the source's time of its last event, zero before the first.
	Changed time.Time
	// Confirming is the progress of a resynchronization in the table; Known is false outside of
	// one.
	Confirming Confirming
}

// TableApplied adds a batch's effect on a table: the source's time of its last event, the number of
// confirmed rows, and the change of the number of current rows.
func (s *Source) TableApplied(name string, last time.Time, confirmed, more int64) {
	s.mu.Lock()
	if s.changed == nil {
		s.changed = make(map[string]time.Time)
	}
	at := s.changed[name]
	if last.After(at) && isPlausible(last, s.now()) {
		at = last
	}
	s.changed[name] = at
	s.mu.Unlock()
	s.confirmed.addTable(name, confirmed, more)
}

// Tables returns the present state of the source's tables, ordered by name.
func (s *Source) Tables() []Table {
	confirming := s.confirmed.reportTables()
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make(map[string]bool)
	for name := range s.changed {
		names[name] = true
	}
	for name := range confirming {
		names[name] = true
	}
	tables := make([]Table, 0, len(names))
	for name := range names {
		tables = append(tables, Table{Name: change.PlainText(name), Changed: s.changed[name], Confirming: confirming[name]})
	}
	slices.SortFunc(tables, func(a, b Table) int { return cmp.Compare(a.Name, b.Name) })
	return tables
}

// Tables returns the state of the tables of a source, nil if there is no such source.
func (r *Registry) Tables(source string) []Table {
	r.mu.Lock()
	s := r.sources[source]
	r.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.Tables()
}
