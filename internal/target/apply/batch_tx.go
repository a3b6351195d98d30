package apply

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/checkpoint"
	"metadb/internal/target/ddl"
	"metadb/internal/target/gap"
	"metadb/internal/target/plan"
)

// batchTx is one batch being applied.
type batchTx struct {
	*Applier
	tx pgx.Tx
	// batch is the segment of the batch that is being applied, snapshot the
	// tables that it finds, tables those that it changes.
	batch    *change.Batch
	snapshot *catalog.Snapshot
	tables   []*tableState
	// rejectedKeys are the records that events may be blocked by, sourceHasRejected
	// that the source has some that were set aside before.
	rejectedKeys      rejectedKeys
	sourceHasRejected bool
	// retried are the events that had been set aside and are tried again;
	// nil for a batch.
	retried map[change.Position]*change.RejectedEvent
	// supersededBy has, of events that come late, the position of what has been applied though it
	// follows.
	supersededBy map[change.Position]rowPosition
	// reinserting says that rows are placed that were inserted again after their end.
	reinserting bool
	// keepsConfirmed says that the ids of confirmed rows are kept.
	keepsConfirmed bool
	// finishedTables are the tables of all segments, as they are after the last.
	finishedTables []*tableState
	outcome        change.Outcome
	rejectedEvents []rejectedEvent
	// tableStats are Outcome.Tables.
	tableStats map[change.Table]change.TableStats
	// newFeeds are topics and tables that the batch records.
	newFeeds []gap.Feed
	// rejectsWithKey are indexes of rejectedEvents whose key could be read, in a
	// resynchronization.
	rejectsWithKey []int
	// childStates are the transformed tables that the batch has come to.
	childStates map[change.Table]*tableState
	// childOutcome counts what was done to them.
	childOutcome change.Outcome
	// newlyIdentified are the tables whose replica identity this transaction has
	// seen to.
	newlyIdentified []change.Table
}

// tableState is one table in one batch.
type tableState struct {
	table *catalog.Table
	delta plan.Delta
	// events are the indexes of the table's events in the batch, in order.
	events []int
	tableProfile
	// truncations are those that events of the batch may precede.
	truncations []truncation
	// positions are where the changes of the batch stand that made versions.
	positions []rowPosition
	// refused says that the table can't be made.
	refused bool
	// changed says that the table differs from what is published.
	changed bool
	// lastEndChanged says that table.LastEnd has to be stored.
	lastEndChanged bool
	// severalCurrent says that a key had several current rows.
	severalCurrent bool
}

// beginSQL begins the transaction, and bounds its waits for locks where the batch does.
func (r *batchTx) beginSQL() string {
	if r.batch == nil || r.batch.LockTimeout <= 0 {
		return beginTxSQL
	}
	return fmt.Sprintf("%s; SET LOCAL lock_timeout = %d", beginTxSQL, r.batch.LockTimeout.Milliseconds())
}

// applyBatch does everything between begin and commit.
func (r *batchTx) applyBatch(ctx context.Context) error {
	if err := checkpoint.Advance(ctx, r.tx, r.batch.Source, r.config.Group, r.batch.Spans); err != nil {
		return err
	}
	if err := r.loadRejectedKeys(ctx); err != nil {
		return err
	}
	if err := r.loadMappings(ctx); err != nil {
		return err
	}
	if err := r.recordFeeds(ctx); err != nil {
		return err
	}
	events := r.batch.Events
	if err := r.storeSnapshots(ctx); err != nil {
		return err
	}
	if err := r.applySegments(ctx, events); err != nil {
		return err
	}
	if err := r.verifyRelations(ctx); err != nil {
		return err
	}
	if err := r.enforceRejectedLimit(ctx); err != nil {
		return err
	}
	if err := r.storeRejected(ctx); err != nil {
		return err
	}
	if err := r.supersedeRejected(ctx, events); err != nil {
		return err
	}
	if err := r.storePositions(ctx, events); err != nil {
		return err
	}
	if err := r.storeLastEnds(ctx); err != nil {
		return err
	}
	return r.dropOldStages(ctx)
}

// distributeEvents gives every event to its table, or to the rejected ones. Order is
// kept; an event whose table does not exist and is not to be created (a delete
// in a table that never had a row) has nothing to do.
func (r *batchTx) distributeEvents(made *plan.Plan) {
	byName := make(map[change.Table]*tableState, len(made.Deltas))
	for _, delta := range made.Deltas {
		t := &tableState{table: delta.After, delta: delta, tableProfile: r.profiles[delta.After.Name], positions: r.earlierPositions(delta.After.Name)}
		byName[delta.After.Name] = t
		r.tables = append(r.tables, t)
	}
	var last *tableState
	for i := range r.batch.Events {
		e := &r.batch.Events[i]
		if e.Op == change.Ignore {
			continue
		}
		if e.Op == change.Reject {
			r.rejectEvent(i, change.Unreadable, e.Reason).unconfirmed = e.Confirm
			if e.Confirm && e.Shape != nil && !e.AttemptUnknown {
				r.rejectsWithKey = append(r.rejectsWithKey, len(r.rejectedEvents)-1)
			}
			continue
		}
		if reason, refused := made.Refused[i]; refused {
			r.rejectEvent(i, change.NoTable, reason)
			continue
		}
		if reason, refused := made.FarPastTimes[i]; refused {
			r.rejectEvent(i, change.RefusedValue, reason)
			continue
		}
		r.outcome.Applied++
		r.outcome.ByOp[e.Op]++
		if last == nil || last.table.Name != e.Table {
			last = byName[e.Table]
		}
		if last != nil {
			last.events = append(last.events, i)
		}
	}
}

// applyTable makes the table as it has to be and applies its events.
func (r *batchTx) applyTable(ctx context.Context, t *tableState) error {
	if err := r.checkUsable(t.table); err != nil {
		return err
	}
	if fits, err := r.ensureTable(ctx, t); !fits || err != nil {
		return err
	}
	if err := r.restoreTables(ctx, t); err != nil {
		return err
	}
	if t.changed {
		r.outcome.SchemaChanges++
	}
	if err := r.ensureReplicaIdentities(ctx, t); err != nil {
		return err
	}
	if err := r.followKeyChange(ctx, t); err != nil {
		return err
	}
	if err := r.noteOutdated(ctx, t); err != nil {
		return err
	}
	fresh := t.delta.Before == nil
	t.keysNew = t.keysNew || fresh
	if err := r.loadTruncations(ctx, t); err != nil {
		return err
	}
	if err := r.insertSuperseded(ctx, t); err != nil {
		return err
	}
	for _, c := range splitChunks(t, r.batch.Events) {
		if err := r.applyChunk(ctx, t, c); err != nil {
			return err
		}
	}
	if !t.table.UniqueKey && t.severalCurrent {
		table, err := ddl.EnsureUniqueKey(ctx, r.tx, t.table)
		if err != nil {
			return err
		}
		t.table, t.changed = table, true
	}
	return nil
}

// changedTables returns the tables that differ from the present catalog.
func (r *batchTx) changedTables() []*catalog.Table {
	var tables []*catalog.Table
	for _, t := range r.finishedTables {
		if t.changed {
			tables = append(tables, t.table)
		}
	}
	return tables
}
