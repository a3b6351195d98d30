package pipeline

import "metadb/internal/change"

// News returns what routed events tell of the snapshots that are awaited, as a pipeline
// stores it with the batch of these events. It is for models of a pipeline.
func News(events []change.Event, snapshots []Awaited) map[change.Table]change.SnapshotNews {
	b := &batch{Batch: change.Batch{Events: events}}
	for i := range events {
		b.marks.note(&events[i])
		b.sightings.note(&events[i])
	}
	known := newSnapshots(0)
	known.expect(snapshots)
	return known.read(b)
}
