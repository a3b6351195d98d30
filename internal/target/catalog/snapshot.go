package catalog

import (
	"cmp"
	"iter"
	"slices"

	"metadb/internal/change"
	"metadb/internal/ident"
)

// Snapshot is the set of target tables at one moment. It never changes. The
// nil Snapshot has no tables.
type Snapshot struct {
	tables    map[change.Table]*Table
	relations map[ident.Qualified]*Table
}

// NewSnapshot returns a snapshot of the tables.
func NewSnapshot(tables ...*Table) *Snapshot {
	return (*Snapshot)(nil).withTables(tables)
}

// Table returns the table of a name, nil if it does not exist.
func (s *Snapshot) Table(name change.Table) *Table {
	if s == nil {
		return nil
	}
	return s.tables[name]
}

// Owner returns the table that has the relation, among those it was created with or the years of
// its history; nil if no table has it.
func (s *Snapshot) Owner(relation ident.Qualified) *Table {
	if s == nil {
		return nil
	}
	return s.relations[relation]
}

// All yields the tables ordered by schema and name.
func (s *Snapshot) All() iter.Seq[*Table] {
	if s == nil {
		return func(func(*Table) bool) {}
	}
	sorted := make([]*Table, 0, len(s.tables))
	for _, table := range s.tables {
		sorted = append(sorted, table)
	}
	slices.SortFunc(sorted, func(a, b *Table) int {
		return cmp.Or(cmp.Compare(a.Name.Schema, b.Name.Schema), cmp.Compare(a.Name.Name, b.Name.Name))
	})
	return slices.Values(sorted)
}

// withTables returns a snapshot in which tables are added or replaced.
func (s *Snapshot) withTables(tables []*Table) *Snapshot {
	next := s.cloneMaps(len(tables))
	for _, table := range tables {
		next.removeTable(table.Name)
		next.tables[table.Name] = table
		for relation := range table.Relations() {
			next.relations[relation] = table
		}
	}
	return next
}

// withoutTables returns a snapshot that lacks the tables.
func (s *Snapshot) withoutTables(names []change.Table) *Snapshot {
	next := s.cloneMaps(0)
	for _, name := range names {
		next.removeTable(name)
	}
	return next
}

func (s *Snapshot) cloneMaps(more int) *Snapshot {
	if s == nil {
		s = &Snapshot{}
	}
	next := &Snapshot{
		tables:    make(map[change.Table]*Table, len(s.tables)+more),
		relations: make(map[ident.Qualified]*Table, len(s.relations)+5*more),
	}
	for name, table := range s.tables {
		next.tables[name] = table
	}
	for relation, table := range s.relations {
		next.relations[relation] = table
	}
	return next
}

func (s *Snapshot) removeTable(name change.Table) {
	old := s.tables[name]
	if old == nil {
		return
	}
	for relation := range old.Relations() {
		delete(s.relations, relation)
	}
	delete(s.tables, name)
}
