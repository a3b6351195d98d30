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
	"metadb/internal/target/history"
	"metadb/internal/target/plan"
	"metadb/internal/target/rejected"
)

// batchTx is the transaction that applies one batch.
type batchTx struct {
	*Applier
	tx pgx.Tx
	// batch is the current segment of the batch, snapshot the catalog before it, and tables are the
	// tables that it changes.
	batch    *change.Batch
	snapshot *catalog.Snapshot
	tables   []*tableState
	// rejected are the rejected events of the batch, and the earlier ones of its keys.
	rejected rejected.Set
	// retried are the rejected events of a retry, by position. It is nil for a batch of the stream.
	retried map[change.Position]*change.RejectedEvent
	// supersededBy has, for each late event, the position of the applied change that follows it at
	// the source.
	supersededBy map[change.Position]history.RowPosition
	// reinserting is true while rows that were inserted again after their end are placed.
	reinserting bool
	// keepsConfirmed is true if the ids of confirmed rows are stored.
	keepsConfirmed bool
	// finishedTables are the tables of all segments, in their last state.
	finishedTables []*tableState
	outcome        change.Outcome
	// tableStats becomes Outcome.Tables.
	tableStats map[change.Table]change.TableStats
	// newFeeds are the topics and tables that the batch adds to metadb.topic_table.
	newFeeds []gap.Feed
	// rejectsWithKey are indexes into rejected.events: the events of a resynchronization with a
	// readable key.
	rejectsWithKey []int
	// childStates are the transformed tables that the batch has used.
	childStates map[change.Table]*tableState
	// childOutcome counts the writes to transformed tables.
	childOutcome change.Outcome
	// newlyIdentified are the tables with a replica identity that this transaction has verified or
	// set.
	newlyIdentified []change.Table
}

// tableState is the state of one table in one batch.
type tableState struct {
	table *catalog.Table
	delta plan.Delta
	// events are the indexes of the table's events in the batch, in order.
	events []int
	tableProfile
	// truncations are the applied truncates that events of the batch may precede.
	truncations history.Truncations
	// positions are the positions at the source of the batch's changes, with the version of each.
	positions history.RowPositions
	// refused is true if the table can't be created.
	refused bool
	// changed is true if the table differs from the published catalog.
	changed bool
	// lastEndChanged is true if table.LastEnd must be stored.
	lastEndChanged bool
	// severalCurrent is true if a key had several current rows.
	severalCurrent bool
}

// target returns the table as the target of chunks.
func (t *tableState) target() history.Target {
	return history.Target{Table: t.table, TypeSteps: t.delta.Steps}
}

// beginSQL returns the statements that begin the transaction, with the lock timeout of the batch,
// if it has one.
func (r *batchTx) beginSQL() string {
	if r.batch == nil || r.batch.LockTimeout <= 0 {
		return beginTxSQL
	}
	return fmt.Sprintf("%s; SET LOCAL lock_timeout = %d", beginTxSQL, r.batch.LockTimeout.Milliseconds())
}

// applyBatch does all the work between begin and commit.
func (r *batchTx) applyBatch(ctx context.Context) error {
	if err := checkpoint.Advance(ctx, r.tx, r.batch.Source, r.config.Group, r.batch.Spans); err != nil {
		return err
	}
	if err := r.rejected.Load(ctx, r.tx, r.batch.Events, nil); err != nil {
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
	if err := r.limiter.Enforce(ctx, r.tx, &r.rejected, r.snapshotWithChanges, &r.outcome); err != nil {
		return err
	}
	if err := r.rejected.Store(ctx, r.tx); err != nil {
		return err
	}
	if err := r.rejected.Supersede(ctx, r.tx, events); err != nil {
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

// distributeEvents assigns each event to its table or to the rejected events, in order. An event of
// a table that neither exists nor is created (a delete in a table without rows) has no effect.
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
			r.rejectEvent(i, change.Unreadable, e.Reason).Unconfirmed = e.Confirm
			if e.Confirm && e.Shape != nil && !e.AttemptUnknown {
				r.rejectsWithKey = append(r.rejectsWithKey, len(r.rejected.Events)-1)
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

// applyTable executes the schema changes of the table and applies its events.
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
	for _, c := range history.SplitChunks(t.target(), t.events, r.batch.Events) {
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

// changedTables returns the tables that differ from the published catalog.
func (r *batchTx) changedTables() []*catalog.Table {
	var tables []*catalog.Table
	for _, t := range r.finishedTables {
		if t.changed {
			tables = append(tables, t.table)
		}
	}
	return tables
}
