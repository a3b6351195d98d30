package apply

import (
	"context"
	"fmt"

	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
	"metadb/internal/transform/jsonmap"
)

// updateTransformed updates the transformed tables of a table after a chunk. Rows with the same
// values before and after are skipped. The others are replaced, or become events of the transformed
// tables, which are applied like those of a source.
func (r *batchTx) updateTransformed(ctx context.Context, t *tableState, f *history.FoldedChunk, effects []history.RowEffect) error {
	d, err := r.prepareUpdate(ctx, t, f, effects)
	if d == nil || err != nil {
		return err
	}
	if err := d.loadStored(ctx); err != nil {
		return err
	}
	return d.applyPieces(ctx)
}

// prepareUpdate returns the update of the transformed tables by a chunk, nil if the table has no
// mappings.
func (r *batchTx) prepareUpdate(ctx context.Context, t *tableState, f *history.FoldedChunk, effects []history.RowEffect) (*transformedUpdate, error) {
	if t.table.IsTransformed() || len(effects) == 0 {
		return nil, nil
	}
	set := r.mappings.setOf(t.table)
	if set.IsEmpty() && len(r.childNames(t.table.Name)) == 0 {
		return nil, nil
	}
	if err := r.noteMapped(ctx, t, set); err != nil {
		return nil, err
	}
	if err := r.endStaleTransformed(ctx, t, set, effects); err != nil {
		return nil, err
	}
	if set.IsEmpty() {
		return nil, nil
	}
	d := r.newTransformedUpdate(t, f, set)
	d.effects = effects
	return d, nil
}

// noteMapped notes that a new table has had its mappings from the beginning, so that its
// transformed tables are complete.
func (r *batchTx) noteMapped(ctx context.Context, t *tableState, set *jsonmap.MappingSet) error {
	if t.delta.Before != nil || t.table.MappingFingerprint == set.Fingerprint() || t.delta.After == nil {
		return nil
	}
	table := *t.table
	table.MappingFingerprint = set.Fingerprint()
	t.table, t.changed = &table, true
	return r.storeMapped(ctx, t.table)
}

// storeMapped stores the mappings for which a table's transformed tables are complete.
func (r *batchTx) storeMapped(ctx context.Context, t *catalog.Table) error {
	_, err := r.tx.Exec(ctx, "UPDATE metadb.target_table SET mapped = $3 WHERE schema_name = $1 AND table_name = $2",
		t.Name.Schema, t.Name.Name, t.MappingFingerprint)
	if err != nil {
		return fmt.Errorf("note which mappings table %s has: %w", t.Name, err)
	}
	return nil
}
