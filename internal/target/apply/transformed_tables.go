package apply

import (
	"maps"
	"strings"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/transform/jsonmap"
)

// childState returns the state of a transformed table in this batch, nil if the table does not
// exist.
func (r *batchTx) childState(name change.Table) *tableState {
	if t := r.childStates[name]; t != nil {
		return t
	}
	table := r.snapshot.Table(name)
	if table == nil || !table.IsTransformed() {
		return nil
	}
	return r.trackChild(&tableState{table: table, tableProfile: r.profiles[name]})
}

// trackChild adds a transformed table to the batch.
func (r *batchTx) trackChild(t *tableState) *tableState {
	if r.childStates == nil {
		r.childStates = make(map[change.Table]*tableState)
	}
	r.childStates[t.table.Name] = t
	r.tables = append(r.tables, t)
	return t
}

// savedChildren is the state of the transformed tables that a savepoint restores.
type savedChildren struct {
	tables   int
	pointers map[change.Table]*tableState
	values   map[change.Table]tableState
}

func (r *batchTx) saveChildren() savedChildren {
	s := savedChildren{tables: len(r.tables), pointers: maps.Clone(r.childStates)}
	if len(r.childStates) > 0 {
		s.values = make(map[change.Table]tableState, len(r.childStates))
		for name, t := range r.childStates {
			s.values[name] = *t
		}
	}
	return s
}

// restoreChildren restores the state of the transformed tables at a savepoint.
func (r *batchTx) restoreChildren(s savedChildren) {
	r.tables = r.tables[:s.tables]
	r.childStates = s.pointers
	for name, t := range r.childStates {
		*t = s.values[name]
	}
	r.layouts = nil
}

// cachedLayout is a layout with the mappings and columns from which it was made.
type cachedLayout struct {
	*jsonmap.Layout
	set     *jsonmap.MappingSet
	columns [][]catalog.Column
	// The rows of the last chunk. Their memory is used again.
	newer, older, keys, kept, scratch *jsonmap.Rows
}

// childLayout returns the layout of a table's mappings for the present columns of its transformed
// tables.
func (r *batchTx) childLayout(parent *catalog.Table, set *jsonmap.MappingSet) *cachedLayout {
	columns := make([][]catalog.Column, len(set.Targets))
	for i, target := range set.Targets {
		if t := r.childState(childName(parent.Name, target)); t != nil {
			columns[i] = t.table.Columns
		}
	}
	if known := r.layouts[parent.Name]; known != nil && known.set == set && hasSameLists(known.columns, columns) {
		known.ResetNotes()
		for _, rows := range []*jsonmap.Rows{known.newer, known.older, known.keys, known.kept} {
			rows.Reset()
		}
		return known
	}
	layout := jsonmap.NewLayout(set, func(target string) []change.Column {
		var list []change.Column
		if t := r.childState(childName(parent.Name, target)); t != nil {
			for _, c := range t.table.Columns {
				list = append(list, c.Column)
			}
		}
		return list
	})
	if r.layouts == nil {
		r.layouts = make(map[change.Table]*cachedLayout)
	}
	known := &cachedLayout{
		Layout: layout, set: set, columns: columns,
		newer: jsonmap.NewRows(set), older: jsonmap.NewRows(set), keys: jsonmap.NewRows(set),
		kept: jsonmap.NewRows(set), scratch: jsonmap.NewRows(set),
	}
	r.layouts[parent.Name] = known
	return known
}

// hasSameLists reports whether the lists are identical, not only equal: columns never change within
// a list.
func hasSameLists(a, b [][]catalog.Column) bool {
	for i := range a {
		if len(a[i]) != len(b[i]) || len(a[i]) > 0 && &a[i][0] != &b[i][0] {
			return false
		}
	}
	return true
}

func compareNames(a, b string) int { return strings.Compare(a, b) }
