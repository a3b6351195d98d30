package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
)

// loadUnavailable fills in the unavailable values in the stage: from the key's current row or,
// after a change of key, from the last version under the old key. Without such a row they stay
// NULL. That is logged, except for chunks in which NULLs or fields that only snapshots have count
// as unavailable.
func (r *batchTx) loadUnavailable(ctx context.Context, t *tableState, c *history.Chunk, f *history.FoldedChunk, st *sqlgen.Stage) error {
	columns := make(map[int]bool)
	plain, viaOld := 0, 0
	for i := range f.Changes {
		it := &f.Changes[i]
		for _, at := range it.Unavailable {
			columns[c.Fields[at].Column] = true
		}
		switch {
		case it.Unavailable == nil:
		case it.OldKeySource != nil:
			viaOld++
		default:
			plain++
		}
	}
	if plain+viaOld == 0 {
		return nil
	}
	wanted := slices.Sorted(maps.Keys(columns))
	found := int64(0)
	for nulls := range f.NullPatterns {
		if plain == 0 {
			break
		}
		tag, err := r.tx.Exec(ctx, sqlgen.KeyMatch{Table: t.table, Stage: st, Key: c.KeyIndexes, Nulls: nulls}.FillFromCurrent(wanted, c.AssumedUnchanged))
		if err != nil {
			return fmt.Errorf("find unavailable values: %w", err)
		}
		found += tag.RowsAffected()
	}
	if viaOld > 0 {
		if err := r.findUnpaired(ctx, t, c, f, st); err != nil {
			return err
		}
		n, err := r.loadUnavailableByOldKey(ctx, t.table, c, f, wanted, st)
		if err != nil {
			return err
		}
		found += n
	}
	if found < int64(plain+viaOld) && len(c.KeptFields)+len(c.AssumedUnchanged) == 0 {
		r.warnLostValues(t)
	}
	return nil
}

// loadUnavailableByOldKey fills in values of rows with a changed key, from the version under the
// old key that ended with this change. If that delete has not been read, the current version of the
// old key is used. If the delete is in this chunk, the current version is the one that ends with
// it. If that version is in the chunk too, no stored version is the right one.
func (r *batchTx) loadUnavailableByOldKey(ctx context.Context, t *catalog.Table, c *history.Chunk, f *history.FoldedChunk, wanted []int, st *sqlgen.Stage) (int64, error) {
	// The stage is joined with itself here, and has no index for that.
	if _, err := r.tx.Exec(ctx, "SET LOCAL enable_hashjoin = on"); err != nil {
		return 0, fmt.Errorf("find unavailable values under old keys: %w", err)
	}
	found := int64(0)
	for nulls := range f.OldKeyNullPatterns() {
		tag, err := r.tx.Exec(ctx, sqlgen.KeyMatch{Table: t, Stage: st, Key: c.KeyIndexes, Nulls: nulls}.FillByOldKey(wanted, c.AssumedUnchanged))
		if err != nil {
			return 0, fmt.Errorf("find unavailable values under old keys: %w", err)
		}
		found += tag.RowsAffected()
	}
	if _, err := r.tx.Exec(ctx, "SET LOCAL enable_hashjoin = off"); err != nil {
		return 0, fmt.Errorf("find unavailable values under old keys: %w", err)
	}
	return found, nil
}
