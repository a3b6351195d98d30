package ordering

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"metadb/internal/change"
)

// TestBarrierHoldsNothingForEver delivers random streams of two topics, with marks of the
// last record, notifications, snapshot rows and events without lsn, in old and new
// partitions. When all events are delivered and the ends are known, all must be released,
// each partition in its order.
func TestBarrierHoldsNothingForEver(t *testing.T) {
	kinds := []func(e *change.Event){
		func(*change.Event) {},
		func(*change.Event) {},
		func(e *change.Event) { e.Op = change.Truncate },
		func(e *change.Event) { e.OldKey, e.Row = change.AppendNull(nil), change.AppendUnavailable(nil) },
		func(e *change.Event) { e.Snapshot = change.InSnapshot },
		func(e *change.Event) { e.Snapshot, e.LSN = change.Incremental, 0 },
		func(e *change.Event) { e.Snapshot = change.LastInSnapshot },
		func(e *change.Event) { e.Snapshot = change.LastInTable },
		func(e *change.Event) {
			*e = change.Event{Position: e.Position, Notification: &change.SnapshotNotification{Ends: true}}
		},
		func(e *change.Event) { e.Op = change.Ignore },
		func(e *change.Event) { e.Op, e.LSN = change.Truncate, 0 },
		func(e *change.Event) { e.Op, e.LSN = change.Reject, 0 },
	}
	rapid.Check(t, func(t *rapid.T) {
		parts := []change.Partition{at(0), at(1), at(2), {Topic: "library.loan"}, {Topic: "library.loan", Number: 1}}
		b := newTestGate(true)
		final := make(map[change.Partition]int64)
		var waiting []change.Partition
		for _, part := range parts {
			final[part] = 0
			if rapid.IntRange(0, 3).Draw(t, "appears later") == 0 {
				waiting = append(waiting, part)
			} else {
				b.queues.assign([]change.Assignment{{Partition: part, Fresh: rapid.Bool().Draw(t, "fresh")}})
			}
		}
		logs := make(map[change.Partition][]change.Event)
		for range rapid.IntRange(0, 40).Draw(t, "events") {
			part := rapid.SampledFrom(parts).Draw(t, "partition")
			e := change.Event{
				Op: change.Upsert, LSN: uint64(rapid.IntRange(1, 12).Draw(t, "lsn")),
				Position: change.Position{Partition: part, Offset: final[part]},
			}
			rapid.SampledFrom(kinds).Draw(t, "kind")(&e)
			logs[part] = append(logs[part], e)
			final[part]++
		}
		var passed []change.Event
		deliver := func(part change.Partition, count int) {
			passed = append(passed, b.addEvents(slices.Clone(logs[part][:count]))...)
			logs[part] = logs[part][count:]
		}
		for range rapid.IntRange(0, 12).Draw(t, "deliveries") {
			if part := rapid.SampledFrom(parts).Draw(t, "arrives"); b.queues.byPartition[part] != nil {
				deliver(part, rapid.IntRange(0, len(logs[part])).Draw(t, "count"))
			}
			if b.needsEnds() && rapid.Bool().Draw(t, "told") {
				passed = append(passed, b.SetEnds(final, true)...)
			}
		}
		for _, part := range waiting {
			b.queues.assign([]change.Assignment{{Partition: part, Fresh: true}})
		}
		for _, part := range parts {
			deliver(part, len(logs[part]))
		}
		for b.needsEnds() {
			passed = append(passed, b.SetEnds(final, true)...)
		}
		for range 10 * maxDeleteWaits { // missing deletes delay no event forever
			through, _ := b.ReleaseUnpaired()
			passed = append(passed, through...)
			for b.needsEnds() {
				passed = append(passed, b.SetEnds(final, true)...)
			}
		}
		for _, l := range b.queues.waiting {
			t.Errorf("%s is held back for ever at %d: %+v", l.partition, l.next, l.pending[0])
		}
		next := make(map[change.Partition]int64)
		for _, e := range passed {
			if e.Position.Offset != next[e.Position.Partition] {
				t.Fatalf("%s is out of order", e.Position)
			}
			next[e.Position.Partition]++
		}
	})
}
