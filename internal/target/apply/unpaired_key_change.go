package apply

import (
	"context"
	"fmt"
	"slices"

	"metadb/internal/change"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
)

// unpairedError is the error for inserts of changes of key that lack values and have no delete yet:
// the delete of the old key shows that all of its changes have been read.
type unpairedError struct {
	// events are indexes into the batch.
	events []int
}

func (e *unpairedError) Error() string {
	return change.Plural(len(e.events), "change of key lacks", "changes of key lack") + " its delete"
}

// unpairedReason is the reason for which such an event is rejected.
const unpairedReason = "waits for the delete of its change of key, which has the values that it lacks"

// findUnpaired returns an unpairedError for the inserts without a delete, unless a version under
// the old key has ended with the same change, or the delete was applied and found no version.
func (r *batchTx) findUnpaired(ctx context.Context, t *tableState, c *history.Chunk, f *history.FoldedChunk, st *sqlgen.Stage) error {
	asked := make([]bool, len(f.Changes))
	for i := range f.Changes {
		asked[i] = f.Changes[i].OldKeySource != nil && r.batch.Events[f.Changes[i].Event].Unpaired
	}
	if !slices.Contains(asked, true) {
		return nil
	}
	for nulls := range f.OldKeyNullPatterns() {
		ords, err := r.queryOrds(ctx, sqlgen.KeyMatch{Table: t.table, Stage: st, Key: c.KeyIndexes, Nulls: nulls}.PairedDeletes())
		if err != nil {
			return fmt.Errorf("look for deletes of changes of key: %w", err)
		}
		for ord := range ords {
			asked[ord] = false
		}
	}
	unpaired := &unpairedError{}
	for i, still := range asked {
		if !still {
			continue
		}
		applied, err := r.deletedNothing(ctx, t, &r.batch.Events[f.Changes[i].Event])
		if err != nil {
			return err
		}
		if !applied {
			unpaired.events = append(unpaired.events, f.Changes[i].Event)
		}
	}
	if len(unpaired.events) == 0 {
		return nil
	}
	slices.Sort(unpaired.events)
	return unpaired
}

// deletedNothing reports whether the delete of a change of key has been applied and found no
// version under the old key: then it left only a position.
func (r *batchTx) deletedNothing(ctx context.Context, t *tableState, e *change.Event) (bool, error) {
	if e.OldKey == nil || e.LSN == 0 {
		return false, nil
	}
	key := make([]int, len(e.Shape.Key))
	for i := range key {
		key[i] = i
	}
	old := change.Event{Source: e.Source, Shape: &change.Shape{Key: key}, Row: e.OldKey}
	found, err := r.readPositions(ctx, t, e.Time, "u.id = $4 AND u.lsn = $5", history.KeyPositionID(&old), int64(e.LSN))
	return len(found) > 0, err
}

// rejectUnpaired rejects the events of a chunk that wait for a delete, and applies the others.
func (r *batchTx) rejectUnpaired(ctx context.Context, t *tableState, c *history.Chunk, unpaired *unpairedError) error {
	for _, i := range unpaired.events {
		e := &r.batch.Events[i]
		r.outcome.Applied--
		r.outcome.ByOp[e.Op]--
		r.rejectEvent(i, change.BlockedByOther, unpairedReason).Unconfirmed = e.Confirm
		if e.Confirm {
			r.rejectsWithKey = append(r.rejectsWithKey, len(r.rejected.Events)-1)
		}
	}
	return r.applyChunk(ctx, t, c.WithoutEvents(unpaired.events))
}
