package apply

import (
	"context"
	"fmt"
	"strings"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/plan"
	"metadb/internal/transform/jsonmap"
)

// followKeyChange gives the transformed tables of a parent its new key after a change of the
// columns that identify its rows. The new key columns are filled from the parent's versions.
func (r *batchTx) followKeyChange(ctx context.Context, t *tableState) error {
	if !t.delta.KeyChanged || t.delta.Before == nil {
		return nil
	}
	for _, name := range r.childNames(t.table.Name) {
		child := r.childState(name)
		if child == nil || hasParentKey(child.table, t.table) {
			continue
		}
		if err := r.changeChildKey(ctx, t.table, child); err != nil {
			return fmt.Errorf("change the key of table %s: %w", name, err)
		}
	}
	return nil
}

func (r *batchTx) changeChildKey(ctx context.Context, parent *catalog.Table, child *tableState) error {
	before := child.table
	after := before.Clone()
	var key []int
	var fill, match []string
	for _, at := range parent.Key {
		column := parent.Columns[at]
		name := jsonmap.ParentKeyColumn(column.Name)
		root := after.Column(name)
		if root < 0 {
			root = len(after.Columns)
			after.Columns = append(after.Columns, catalog.Column{
				Column: change.Column{Name: name, Type: column.Type}, Stored: ident.StoredColumn(name),
			})
			fill = append(fill, after.Columns[root].Stored.SQL()+" = p."+column.Stored.SQL())
		}
		key = append(key, root)
	}
	for _, at := range before.Key {
		name := before.Columns[at].Name
		column := strings.TrimPrefix(name, jsonmap.ParentKeyColumn(""))
		if column == name { // a position
			key = append(key, at)
		} else if in := parent.Column(column); in >= 0 {
			match = append(match, "p."+parent.Columns[in].Stored.SQL()+" = c."+before.Columns[at].Stored.SQL())
		}
	}
	after.Key = key
	table, err := ddl.Execute(ctx, r.tx, plan.Delta{Before: before, After: after, KeyChanged: true}, r.config.Logger)
	if err != nil {
		return err
	}
	if len(fill) > 0 && len(match) > 0 {
		// The whole tables are joined, so a hash join is enabled for this statement.
		sql := "SET LOCAL enable_hashjoin = on; UPDATE " + table.Main.SQL() + " AS c SET " + strings.Join(fill, ", ") + " FROM " + parent.Main.SQL() +
			" AS p WHERE p.__origin = c.__origin AND " + strings.Join(match, " AND ") +
			" AND p.__start <= c.__start AND (p.__end > c.__start OR p.__start = c.__start); SET LOCAL enable_hashjoin = off"
		if _, err := r.tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if table, err = ddl.EnsureUniqueKey(ctx, r.tx, table); err != nil {
		return err
	}
	child.table, child.changed = table, true
	return nil
}
