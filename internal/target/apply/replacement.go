package apply

import (
	"bytes"
	"context"
	"slices"

	"metadb/internal/change"
)

// chunkReplacement is the replacement of the rows of a chunk. oldRows has the rows that were
// current, by the heads of their chains; decision has the versions that end and begin; ids are the
// ids of the new versions; unchanged has the changes that equal their old rows.
type chunkReplacement struct {
	oldRows  []currentRow
	decision *decision
	ids      []int64
	// versionNumbers has the number of each change's version, none if it makes no version.
	versionNumbers []int
	unchanged      map[int]bool
	// effects are the effects on the rows. update is the update of the transformed tables by them,
	// nil if it can only be made after the replacement.
	effects []rowEffect
	update  *transformedUpdate
	// waitBackground waits for the part of the update that runs in the background.
	waitBackground func()
}

// newChunkReplacement returns the replacement of a chunk's rows. If each key has a single event, an
// upsert, the row effects are set from the beginning.
func newChunkReplacement(f *foldedChunk) *chunkReplacement {
	x := &chunkReplacement{oldRows: make([]currentRow, len(f.changes))}
	if f.severalPerKey {
		return x
	}
	x.effects = make([]rowEffect, len(f.changes))
	versions := make([]writtenVersion, len(f.changes))
	for i := range x.effects {
		if !f.changes[i].upsert {
			x.effects = nil
			return x
		}
		versions[i].change = i
		x.effects[i] = rowEffect{head: i, written: versions[i : i+1 : i+1]}
	}
	return x
}

// decide decides about the changes, after oldRows has been read: the only event of a key counts as
// a change, and is compared later. It returns errNeedsHistory for a key without a current row that
// may have been current at the time of its event or later.
func (x *chunkReplacement) decide(f *foldedChunk, lastEnd change.Micros) error {
	m := &chunkMatches{first: x.oldRows}
	early, _ := m.historyQuestions(f, lastEnd)
	if early != nil {
		return errNeedsHistory
	}
	var err error
	if m.unchanged, err = x.findEqualNeighbours(f); err != nil {
		return err
	}
	x.decision = decide(f, m)
	return nil
}

// findEqualNeighbours returns the changes that equal the change before them.
func (x *chunkReplacement) findEqualNeighbours(f *foldedChunk) (map[int]bool, error) {
	if !f.severalPerKey {
		return nil, nil
	}
	same, telling := make(map[int]bool), findQuickCompare(f.chunk)
	for i := range f.changes {
		it := &f.changes[i]
		switch {
		case it.head:
			several := i+1 < len(f.changes) && !f.changes[i+1].head
			if several && it.upsert && x.oldRows[i].id != 0 && !x.oldRows[i].certainlyDiffers {
				return nil, errNeedsComparison
			}
		case !it.upsert || !it.followsUpsert || telling.differsFrom(it.row, telling.valuesOf(f.changes[i-1].row)):
		case bytes.Equal(f.changes[i-1].row, it.row):
			same[i] = true
		default:
			return nil, errNeedsComparison
		}
	}
	return same, nil
}

// assignIDs sets the ids of the new versions, and the row effects that have them.
func (x *chunkReplacement) assignIDs(f *foldedChunk, ids []int64) {
	x.ids, x.versionNumbers = ids, make([]int, len(f.changes))
	for i := range x.versionNumbers {
		x.versionNumbers[i] = none
	}
	for n, v := range x.decision.versions {
		x.versionNumbers[v.change] = n
	}
	if x.effects == nil {
		x.effects = rowEffects(f, x.decision, ids)
		return
	}
	for i := range x.effects {
		x.effects[i].written[0] = writtenVersion{x.decision.versions[i], ids[i]}
	}
	for _, e := range x.decision.ended {
		x.effects[e.head].addEnded(e)
	}
}

// prepareEarlyUpdate returns the update of the transformed tables if it can be made while the rows
// are replaced, otherwise nil: it needs only the documents of the rows that end, which the
// replacement reads.
func (r *batchTx) prepareEarlyUpdate(t *tableState, f *foldedChunk, effects []rowEffect) *transformedUpdate {
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
func (r *batchTx) updateReplaced(ctx context.Context, t *tableState, f *foldedChunk, x *chunkReplacement) error {
	effects := x.effects
	if len(x.unchanged) > 0 {
		effects = slices.DeleteFunc(slices.Clone(effects), func(effect rowEffect) bool { return x.unchanged[effect.head] })
	}
	if x.update == nil {
		return r.updateTransformed(ctx, t, f, effects)
	}
	if err := r.endStaleTransformed(ctx, t, x.update.set, effects); err != nil {
		return err
	}
	return x.update.finishPieces(ctx)
}
