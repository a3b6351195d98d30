package history

import (
	"context"
	"fmt"

	"metadb/internal/catalog"
	"metadb/internal/transform"
)

// transform brings the tables that are transformed from a table in line with what
// a chunk did to it. Rows that have the same values before and after are left
// alone; the others are exchanged, or become events of the transformed tables, which
// are applied as those of a source are.
func (r *run) transform(ctx context.Context, t *target, f *folded, lines []lineage) error {
	d, err := r.prepare(ctx, t, f, lines)
	if d == nil || err != nil {
		return err
	}
	if err := d.ask(ctx); err != nil {
		return err
	}
	return d.descend(ctx)
}

// prepare returns the way of a chunk into the transformed tables, nil if there are
// none.
func (r *run) prepare(ctx context.Context, t *target, f *folded, lines []lineage) (*descent, error) {
	if t.table.IsTransformed() || len(lines) == 0 {
		return nil, nil
	}
	set := r.mappings.set(t.table)
	if set.Empty() && len(r.children(t.table.Name)) == 0 {
		return nil, nil
	}
	if err := r.noteMapped(ctx, t, set); err != nil {
		return nil, err
	}
	if err := r.endStrays(ctx, t, set, lines); err != nil {
		return nil, err
	}
	if set.Empty() {
		return nil, nil
	}
	d := r.newDescent(t, f, set)
	d.lines = lines
	return d, nil
}

// noteMapped notes that a new table has had its mappings from the beginning: so
// its transformed tables are complete.
func (r *run) noteMapped(ctx context.Context, t *target, set *transform.Set) error {
	if t.delta.Before != nil || t.table.Mapped == set.Text() || t.delta.After == nil {
		return nil
	}
	table := *t.table
	table.Mapped = set.Text()
	t.table, t.changed = &table, true
	return r.storeMapped(ctx, t.table)
}

// storeMapped stores which mappings a table's transformed tables are complete for.
func (r *run) storeMapped(ctx context.Context, t *catalog.Table) error {
	_, err := r.tx.Exec(ctx, "UPDATE metadb.target_table SET mapped = $3 WHERE schema_name = $1 AND table_name = $2",
		t.Name.Schema, t.Name.Name, t.Mapped)
	if err != nil {
		return fmt.Errorf("note which mappings table %s has: %w", t.Name, err)
	}
	return nil
}
