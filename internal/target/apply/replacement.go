package apply

import (
	"context"
	"slices"

	"metadb/internal/target/history"
)

// chunkReplacement is the replacement of the rows of a chunk, with the update of the transformed
// tables by it, which is nil if it can only be made after the replacement.
type chunkReplacement struct {
	rows   history.Replacement
	update *transformedUpdate
	// waitBackground waits for the part of the update that runs in the background.
	waitBackground func()
}

// prepareEarlyUpdate returns the update of the transformed tables if it can be made while the rows
// are replaced, otherwise nil: it needs only the documents of the rows that end, which the
// replacement reads.
func (r *batchTx) prepareEarlyUpdate(t *tableState, f *history.FoldedChunk, effects []history.RowEffect) *transformedUpdate {
	set := r.mappings.setOf(t.table)
	if effects == nil || t.table.IsTransformed() || set.IsEmpty() || t.table.MappingFingerprint != set.Fingerprint() {
		return nil
	}
	d := r.newTransformedUpdate(t, f, set)
	d.effects = effects
	d.documents = chunkDocuments(f, documentColumns(t.table, set))
	return d
}

// updateInBackground runs a part of the update in the background, and returns a function that waits
// for it.
func (x *chunkReplacement) updateInBackground(work func(*transformedUpdate)) (wait func()) {
	if x.update == nil {
		return func() {}
	}
	return runInBackground(func() { work(x.update) })
}

// updateReplaced updates the transformed tables after a replacement. Rows of unchanged documents
// are skipped.
func (r *batchTx) updateReplaced(ctx context.Context, t *tableState, f *history.FoldedChunk, x *chunkReplacement) error {
	effects := x.rows.Effects
	if len(x.rows.Unchanged) > 0 {
		effects = slices.DeleteFunc(slices.Clone(effects), func(effect history.RowEffect) bool { return x.rows.Unchanged[effect.Head] })
	}
	if x.update == nil {
		return r.updateTransformed(ctx, t, f, effects)
	}
	if err := r.endStaleTransformed(ctx, t, x.update.set, effects); err != nil {
		return err
	}
	return x.update.finishPieces(ctx)
}
