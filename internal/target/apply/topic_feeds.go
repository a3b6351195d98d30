package apply

import (
	"context"

	"metadb/internal/change"
	"metadb/internal/target/gap"
)

// recordFeeds stores which tables the topics of the batch feed, unless that is stored. Nearly all
// events of a topic have the table of the event before.
func (r *batchTx) recordFeeds(ctx context.Context) error {
	snapshot := r.config.Store.Snapshot()
	var last gap.Feed
	for i := range r.batch.Events {
		e := &r.batch.Events[i]
		if e.Op != change.Upsert && e.Op != change.Delete && e.Op != change.Truncate {
			continue
		}
		feed := gap.Feed{Topic: e.Position.Partition.Topic, Table: e.Table}
		if feed == last {
			continue
		}
		last = feed
		// A table that does not exist may have been dropped, and its feeds with it.
		if !r.Applier.recordedFeeds[feed] || snapshot.Table(e.Table) == nil {
			r.newFeeds = append(r.newFeeds, feed)
		}
	}
	return gap.RecordFeeds(ctx, r.tx, r.batch.Source, r.newFeeds)
}
