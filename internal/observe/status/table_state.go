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

// tableState is the state of one table.
type tableState struct {
	changed    time.Time
	confirming confirmingState
}

// SetTableConfirming sets the counted numbers of current and of confirmed rows of a table, until
// ClearConfirming.
func (s *Source) SetTableConfirming(name string, current, confirmed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensureTable(name).confirming.setCounts(s.now(), current, confirmed)
}

// CorrectTableConfirming replaces the numbers of current and of confirmed rows of a table by those
// of a later count.
func (s *Source) CorrectTableConfirming(name string, current, confirmed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.ensureTable(name)
	if !t.confirming.Known {
		t.confirming.setCounts(s.now(), current, confirmed)
		return
	}
	t.confirming.correctCounts(current, confirmed)
}

// TableApplied adds a batch's effect on a table: the source's time of its last event, the number of
// confirmed rows, and the change of the number of current rows.
func (s *Source) TableApplied(name string, last time.Time, confirmed, more int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.ensureTable(name)
	if last.After(t.changed) && s.isPlausible(last) {
		t.changed = last
	}
	if confirmed > 0 && s.confirming.Known && !t.confirming.Known {
		t.confirming.setCounts(s.now(), 0, 0) // the count did not include the table
	}
	if t.confirming.Known {
		t.confirming.addConfirmed(s.now(), confirmed, more)
	}
}

// ensureTable returns the state of a table, and creates it if there is no state yet.
func (s *Source) ensureTable(name string) *tableState {
	t := s.tables[name]
	if t == nil {
		if s.tables == nil {
			s.tables = make(map[string]*tableState)
		}
		t = &tableState{}
		s.tables[name] = t
	}
	return t
}

// Tables returns the present state of the source's tables, ordered by name.
func (s *Source) Tables() []Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, tables := s.now(), make([]Table, 0, len(s.tables))
	for name, t := range s.tables {
		tables = append(tables, Table{Name: change.PlainText(name), Changed: t.changed, Confirming: t.confirming.reportAt(now)})
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
