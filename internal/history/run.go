package history

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/checkpoint"
	"metadb/internal/ddl"
	"metadb/internal/gap"
	"metadb/internal/plan"
)

// run is one batch being applied.
type run struct {
	*Applier
	tx pgx.Tx
	// batch is the segment of the batch that is being applied, snapshot the
	// tables that it finds, tables those that it changes.
	batch    *change.Batch
	snapshot *catalog.Snapshot
	tables   []*target
	// waits are the records that events may have to wait for, anyRejected
	// that the source has some that were set aside before.
	waits       waits
	anyRejected bool
	// retried are the events that had been set aside and are tried again;
	// nil for a batch.
	retried map[change.Position]*change.Rejected
	// later has, of events that come late, the position of what has been applied though it
	// follows.
	later map[change.Position]rowPosition
	// reinserting says that rows are placed that were inserted again after their end.
	reinserting bool
	// keepsConfirmed says that the ids of confirmed rows are kept.
	keepsConfirmed bool
	// settled are the tables of all segments, as they are after the last.
	settled []*target
	outcome change.Outcome
	rejects []reject
	// tallies are Outcome.Tables.
	tallies map[change.Table]change.Tally
	// newFeeds are topics and tables that the batch records.
	newFeeds []gap.Feed
	// keyed are indexes of rejects whose key could be read, in a
	// resynchronization.
	keyed []int
	// family are the transformed tables that the batch has come to.
	family map[change.Table]*target
	// transformed counts what was done to them.
	transformed change.Outcome
	// newlyIdentified are the tables whose replica identity this transaction has
	// seen to.
	newlyIdentified []change.Table
}

// target is one table in one batch.
type target struct {
	table *catalog.Table
	delta plan.Delta
	// events are the indexes of the table's events in the batch, in order.
	events []int
	habit
	// truncations are those that events of the batch may precede.
	truncations []truncation
	// positions are where the changes of the batch stand that made versions.
	positions []rowPosition
	// refused says that the table can't be made.
	refused bool
	// changed says that the table differs from what is published.
	changed bool
	// lastEndMoved says that table.LastEnd has to be stored.
	lastEndMoved bool
	// severalMatched says that a key had several current rows.
	severalMatched bool
}

// beginSQL begins the run's transaction, and bounds its waits for locks where the batch does.
func (r *run) beginSQL() string {
	if r.batch == nil || r.batch.LockTimeout <= 0 {
		return beginSQL
	}
	return fmt.Sprintf("%s; SET LOCAL lock_timeout = %d", beginSQL, r.batch.LockTimeout.Milliseconds())
}

// apply does everything between begin and commit.
func (r *run) apply(ctx context.Context) error {
	if err := checkpoint.Advance(ctx, r.tx, r.batch.Source, r.config.Group, r.batch.Spans); err != nil {
		return err
	}
	if err := r.loadWaits(ctx); err != nil {
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
	if err := r.verify(ctx); err != nil {
		return err
	}
	if err := r.boundRejects(ctx); err != nil {
		return err
	}
	if err := r.storeRejects(ctx); err != nil {
		return err
	}
	if err := r.tellOvertaken(ctx, events); err != nil {
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

// distribute gives every event to its table, or to the rejected ones. Order is
// kept; an event whose table does not exist and is not to be created (a delete
// in a table that never had a row) has nothing to do.
func (r *run) distribute(made *plan.Plan) {
	byName := make(map[change.Table]*target, len(made.Deltas))
	for _, delta := range made.Deltas {
		t := &target{table: delta.After, delta: delta, habit: r.habits[delta.After.Name], positions: r.notedBefore(delta.After.Name)}
		byName[delta.After.Name] = t
		r.tables = append(r.tables, t)
	}
	var last *target
	for i := range r.batch.Events {
		e := &r.batch.Events[i]
		if e.Op == change.Ignore {
			continue
		}
		if e.Op == change.Reject {
			r.reject(i, change.Unreadable, e.Reason).unconfirmed = e.Confirm
			if e.Confirm && e.Shape != nil && !e.Unplaced {
				r.keyed = append(r.keyed, len(r.rejects)-1)
			}
			continue
		}
		if reason, refused := made.Refused[i]; refused {
			r.reject(i, change.NoTable, reason)
			continue
		}
		if reason, refused := made.Remote[i]; refused {
			r.reject(i, change.RefusedValue, reason)
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
func (r *run) applyTable(ctx context.Context, t *target) error {
	if err := r.usable(t.table); err != nil {
		return err
	}
	if fits, err := r.fit(ctx, t); !fits || err != nil {
		return err
	}
	if err := r.complete(ctx, t); err != nil {
		return err
	}
	if t.changed {
		r.outcome.SchemaChanges++
	}
	if err := r.identifyRows(ctx, t); err != nil {
		return err
	}
	if err := r.rekey(ctx, t); err != nil {
		return err
	}
	if err := r.noteOutdated(ctx, t); err != nil {
		return err
	}
	fresh := t.delta.Before == nil
	t.allNew = t.allNew || fresh
	if err := r.loadTruncations(ctx, t); err != nil {
		return err
	}
	if err := r.placeOvertaken(ctx, t); err != nil {
		return err
	}
	for _, c := range cut(t, r.batch.Events) {
		if err := r.applyChunk(ctx, t, c); err != nil {
			return err
		}
	}
	if !t.table.Guarded && t.severalMatched {
		table, err := ddl.Guard(ctx, r.tx, t.table)
		if err != nil {
			return err
		}
		t.table, t.changed = table, true
	}
	return nil
}

// published returns the tables that differ from the present catalog.
func (r *run) published() []*catalog.Table {
	var tables []*catalog.Table
	for _, t := range r.settled {
		if t.changed {
			tables = append(tables, t.table)
		}
	}
	return tables
}
