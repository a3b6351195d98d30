package apply

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/transform/jsonmap"
)

// mappingSets are the JSON mappings of all tables, by current table.
type mappingSets struct {
	rows []mappingRow
	sets map[ident.Qualified]*jsonmap.MappingSet
}

// mappingRow is a row of metadb.transform_json.
type mappingRow struct {
	table ident.Qualified
	jsonmap.Mapping
}

// loadMappings reads the mappings. They can't change before the transaction ends: a session that
// changes them locks the table against it.
func (r *batchTx) loadMappings(ctx context.Context) error {
	rows, err := r.tx.Query(ctx, "SELECT schema_name, table_name, column_name, path, map FROM metadb.transform_json ORDER BY 1, 2, 3, 4")
	if err != nil {
		return fmt.Errorf("read the data mappings: %w", err)
	}
	var all []mappingRow
	var m mappingRow
	_, err = pgx.ForEachRow(rows, []any{&m.table.Schema, &m.table.Name, &m.Column, &m.Path, &m.Target}, func() error {
		all = append(all, m)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the data mappings: %w", err)
	}
	if !slices.Equal(all, r.mappings.rows) {
		r.Applier.mappings = compileMappings(all)
		r.layouts = nil
	}
	return nil
}

// compileMappings returns the mapping sets by table. The rows are in the order of their tables.
func compileMappings(rows []mappingRow) mappingSets {
	m := mappingSets{rows: rows, sets: make(map[ident.Qualified]*jsonmap.MappingSet)}
	for rest := rows; len(rest) > 0; {
		table := rest[0].table
		var of []jsonmap.Mapping
		for len(rest) > 0 && rest[0].table == table {
			of = append(of, rest[0].Mapping)
			rest = rest[1:]
		}
		m.sets[table] = jsonmap.Compile(of)
	}
	return m
}

// setOf returns the mapping set of a table. It may be empty, but is never nil.
func (m *mappingSets) setOf(t *catalog.Table) *jsonmap.MappingSet {
	if set := m.sets[t.Current]; set != nil {
		return set
	}
	return jsonmap.Compile(nil)
}

// childIndex has the names of the transformed tables of each parent, for one snapshot of the
// catalog.
type childIndex struct {
	snapshot *catalog.Snapshot
	children map[change.Table][]change.Table
}

// childNames returns the names of the tables that are transformed from a table, in order. It
// includes tables that no mapping makes any more.
func (r *batchTx) childNames(parent change.Table) []change.Table {
	if r.childIndex.snapshot != r.snapshot || r.childIndex.children == nil {
		r.childIndex = childIndex{snapshot: r.snapshot, children: make(map[change.Table][]change.Table)}
		for t := range r.snapshot.All() {
			if t.IsTransformed() {
				r.childIndex.children[t.Parent] = append(r.childIndex.children[t.Parent], t.Name)
			}
		}
	}
	names := slices.Clone(r.childIndex.children[parent])
	for name, child := range r.childStates {
		if child.table.Parent == parent && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b change.Table) int { return compareNames(a.Name, b.Name) })
	return names
}

// childName returns the name of the transformed table of a mapping's target.
func childName(parent change.Table, target string) change.Table {
	return change.Table{Schema: parent.Schema, Name: parent.Name + "__" + target}
}
