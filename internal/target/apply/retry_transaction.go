package apply

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/history"
	"metadb/internal/target/rejected"
)

// Retry applies rejected events in one transaction, and removes them from metadb.rejected_event. An
// event that fails again stays, with the new reason. The events are in the order of the source;
// those of one key follow one another.
//
// An event that has a later version of its key is inserted into history, between the version before
// it and the one after it, as if it had been applied in time. The caller must not apply batches
// meanwhile.
func (a *Applier) Retry(ctx context.Context, retried []change.RejectedEvent) (change.Outcome, error) {
	r := &batchTx{Applier: a, batch: &change.Batch{Source: a.config.Source}, rejected: rejected.NewSet(a.config.Source), keepsConfirmed: true, retried: make(map[change.Position]*change.RejectedEvent, len(retried))}
	for i := range retried {
		rej := &retried[i]
		r.retried[rej.Event.Position] = rej
		r.batch.Events = append(r.batch.Events, rej.Event)
	}
	return a.runTransaction(ctx, r, r.retryRejected)
}

// retryRejected does the work of Retry between begin and commit.
func (r *batchTx) retryRejected(ctx context.Context) error {
	events := r.batch.Events
	if err := r.countPartitions(ctx, events); err != nil {
		return err
	}
	if err := r.rejected.Load(ctx, r.tx, events, r.retriedIDs()); err != nil {
		return err
	}
	if err := r.loadMappings(ctx); err != nil {
		return err
	}
	if err := r.applySegments(ctx, events); err != nil {
		return err
	}
	if err := r.verifyRelations(ctx); err != nil {
		return err
	}
	if err := r.rejected.StoreRetried(ctx, r.tx, r.retried); err != nil {
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

// countPartitions sets the number of partitions of the retried events' topics, as far as stream
// positions are stored: where there are several, the positions of the events are kept like those of
// a batch.
func (r *batchTx) countPartitions(ctx context.Context, events []change.Event) error {
	rows, err := r.tx.Query(ctx, "SELECT topic, count(*) FROM metadb.stream_position WHERE source_name = $1 AND consumer_group = $2 GROUP BY topic",
		r.batch.Source, r.config.Group)
	if err != nil {
		return fmt.Errorf("count the partitions of topics: %w", err)
	}
	counts := make(map[string]int)
	var topic string
	var count int
	if _, err := pgx.ForEachRow(rows, []any{&topic, &count}, func() error { counts[topic] = count; return nil }); err != nil {
		return fmt.Errorf("count the partitions of topics: %w", err)
	}
	for i := range events {
		events[i].Partitions = counts[events[i].Position.Partition.Topic]
	}
	return nil
}

// retriedIDs returns the ids of the retried events.
func (r *batchTx) retriedIDs() []int64 {
	ids := make([]int64, 0, len(r.retried))
	for _, rej := range r.retried {
		ids = append(ids, rej.ID)
	}
	return ids
}

// insertSuperseded inserts those events of a table into history that are known to be superseded,
// one by one, and removes them from the table's events. So each comes before the events that
// superseded it.
func (r *batchTx) insertSuperseded(ctx context.Context, t *tableState) error {
	if r.retried == nil {
		return nil
	}
	var rest []int
	for _, i := range t.events {
		e := &r.batch.Events[i]
		if r.retried[e.Position].SupersededAt == nil || e.Op == change.Truncate {
			rest = append(rest, i)
			continue
		}
		if err := r.insertOneLate(ctx, t, i); err != nil {
			return err
		}
	}
	t.events = rest
	return nil
}

// applyLate applies a chunk in which some events are late.
func (r *batchTx) applyLate(ctx context.Context, t *tableState, c *history.Chunk, late *history.LateError) error {
	for _, i := range late.Events {
		if err := r.insertOneLate(ctx, t, i); err != nil {
			return err
		}
	}
	return r.applyChunk(ctx, t, c.WithoutEvents(late.Events))
}
