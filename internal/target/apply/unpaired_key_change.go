package apply

import (
	"context"
	"fmt"
	"slices"

	"metadb/internal/change"
)

// unpairedError says that inserts of changes of key lack values, and that the deletes of
// the old keys, which tell that all of those has been read, have not come.
type unpairedError struct {
	// events are indexes into the batch.
	events []int
}

func (e *unpairedError) Error() string {
	return change.Plural(len(e.events), "change of key lacks", "changes of key lack") + " its delete"
}

// unpairedReason is why such an event is set aside.
const unpairedReason = "waits for the delete of its change of key, which has the values that it lacks"

// findUnpaired returns an error for the inserts whose deletes have not come, unless a version
// under the old key has ended with the very change, or the delete has found none.
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

// deletedNothing reports whether the delete that belongs to a change of key has been
// applied where there was no version under the old key: it left a position alone.
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

// rejectUnpaired sets the events of a chunk aside that wait for a delete, and applies the
// others.
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
