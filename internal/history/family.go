package history

import (
	"maps"
	"strings"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/transform"
)

// child returns a transformed table as the batch has made it so far, or nil if it
// does not exist.
func (r *run) child(name change.Table) *target {
	if t := r.family[name]; t != nil {
		return t
	}
	table := r.snapshot.Table(name)
	if table == nil || !table.IsTransformed() {
		return nil
	}
	return r.adopt(&target{table: table, habit: r.habits[name]})
}

// adopt takes a transformed table into the batch.
func (r *run) adopt(t *target) *target {
	if r.family == nil {
		r.family = make(map[change.Table]*target)
	}
	r.family[t.table.Name] = t
	r.tables = append(r.tables, t)
	return t
}

// savedFamily is what a savepoint has to bring back.
type savedFamily struct {
	tables   int
	pointers map[change.Table]*target
	values   map[change.Table]target
}

func (r *run) saveFamily() savedFamily {
	s := savedFamily{tables: len(r.tables), pointers: maps.Clone(r.family)}
	if len(r.family) > 0 {
		s.values = make(map[change.Table]target, len(r.family))
		for name, t := range r.family {
			s.values[name] = *t
		}
	}
	return s
}

// restoreFamily undoes what was noted of transformed tables since they were saved.
func (r *run) restoreFamily(s savedFamily) {
	r.tables = r.tables[:s.tables]
	r.family = s.pointers
	for name, t := range r.family {
		*t = s.values[name]
	}
	r.layouts = nil
}

// knownLayout is a layout with what it was made of.
type knownLayout struct {
	*transform.Layout
	set     *transform.Set
	columns [][]catalog.Column
	// The rows of the last chunk, whose memory the next one uses.
	newer, older, keys, kept, scratch *transform.Rows
}

// layout returns the layout of a table's mappings, as its transformed tables are.
func (r *run) layout(parent *catalog.Table, set *transform.Set) *knownLayout {
	columns := make([][]catalog.Column, len(set.Targets))
	for i, target := range set.Targets {
		if t := r.child(childName(parent.Name, target)); t != nil {
			columns[i] = t.table.Columns
		}
	}
	if known := r.layouts[parent.Name]; known != nil && known.set == set && sameLists(known.columns, columns) {
		known.Reset()
		for _, rows := range []*transform.Rows{known.newer, known.older, known.keys, known.kept} {
			rows.Reset()
		}
		return known
	}
	layout := transform.NewLayout(set, func(target string) []change.Column {
		var list []change.Column
		if t := r.child(childName(parent.Name, target)); t != nil {
			for _, c := range t.table.Columns {
				list = append(list, c.Column)
			}
		}
		return list
	})
	if r.layouts == nil {
		r.layouts = make(map[change.Table]*knownLayout)
	}
	known := &knownLayout{
		Layout: layout, set: set, columns: columns,
		newer: transform.NewRows(set), older: transform.NewRows(set), keys: transform.NewRows(set),
		kept: transform.NewRows(set), scratch: transform.NewRows(set),
	}
	r.layouts[parent.Name] = known
	return known
}

// sameLists reports whether the lists are the same ones: columns never change
// within a list.
func sameLists(a, b [][]catalog.Column) bool {
	for i := range a {
		if len(a[i]) != len(b[i]) || len(a[i]) > 0 && &a[i][0] != &b[i][0] {
			return false
		}
	}
	return true
}

func compareNames(a, b string) int { return strings.Compare(a, b) }
