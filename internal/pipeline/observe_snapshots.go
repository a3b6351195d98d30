package pipeline

import (
	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

// ObserveSnapshots returns the progress of expected snapshots in routed events, as a pipeline
// stores it with the batch of these events. It is for models of a pipeline in tests.
func ObserveSnapshots(events []change.Event, snapshots []ExpectedSnapshot) map[change.Table]change.SnapshotProgress {
	b := &batch.Batch{Batch: change.Batch{Events: events}}
	for i := range events {
		b.Signals.AddEvent(&events[i])
		b.AttemptRecords.AddEvent(&events[i])
	}
	known := newSnapshotWatch(0)
	known.setExpected(snapshots)
	return known.observeBatch(b)
}
