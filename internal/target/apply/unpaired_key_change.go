package apply

import (
	"context"
	"fmt"
	"slices"

	"metadb/internal/change"
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
func (r *batchTx) findUnpaired(ctx context.Context, t *tableState, c *chunk, f *foldedChunk, st *stage) error {
	asked := make([]bool, len(f.changes))
	for i := range f.changes {
		asked[i] = f.changes[i].oldKeySource != nil && r.batch.Events[f.changes[i].event].Unpaired
	}
	if !slices.Contains(asked, true) {
		return nil
	}
	for nulls := range f.oldKeyNullPatterns() {
		ords, err := r.queryOrds(ctx, "SELECT w.ord FROM "+st.SQL()+" AS s JOIN "+st.SQL()+" AS w ON w.via = s.ord WHERE s.probe AND EXISTS (SELECT FROM "+
			t.table.Main.SQL()+" AS c WHERE "+sameKeySQL(t.table, c.keyIndexes, nulls)+" AND NOT c.__current AND c.__end = greatest(s.at, c.__start))")
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
		applied, err := r.deletedNothing(ctx, t, &r.batch.Events[f.changes[i].event])
		if err != nil {
			return err
		}
		if !applied {
			unpaired.events = append(unpaired.events, f.changes[i].event)
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
	found, err := r.readPositions(ctx, t, e.Time, "u.id = $4 AND u.lsn = $5", keyPositionID(&old), int64(e.LSN))
	return len(found) > 0, err
}

// rejectUnpaired rejects the events of a chunk that wait for a delete, and applies the others.
func (r *batchTx) rejectUnpaired(ctx context.Context, t *tableState, c *chunk, unpaired *unpairedError) error {
	for _, i := range unpaired.events {
		e := &r.batch.Events[i]
		r.outcome.Applied--
		r.outcome.ByOp[e.Op]--
		r.rejectEvent(i, change.BlockedByOther, unpairedReason).unconfirmed = e.Confirm
		if e.Confirm {
			r.rejectsWithKey = append(r.rejectsWithKey, len(r.rejectedEvents)-1)
		}
	}
	return r.applyChunk(ctx, t, c.withoutEvents(unpaired.events))
}
