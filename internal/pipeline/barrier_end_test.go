package pipeline

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"metadb/internal/change"
)

// TestBarrierHoldsNothingForEver lets random streams of two topics arrive, with marks
// of the last, notifications, rows of snapshots and events without lsn among them, in
// partitions some of which are new: once all has been delivered, and the ends are known,
// all has passed, each partition in its order.
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
		func(e *change.Event) { *e = change.Event{Position: e.Position, Notice: &change.Notice{Ends: true}} },
		func(e *change.Event) { e.Op = change.Ignore },
		func(e *change.Event) { e.Op, e.LSN = change.Truncate, 0 },
		func(e *change.Event) { e.Op, e.LSN = change.Reject, 0 },
	}
	rapid.Check(t, func(t *rapid.T) {
		parts := []change.Partition{at(0), at(1), at(2), {Topic: "library.loan"}, {Topic: "library.loan", Number: 1}}
		b := newBarrier(func(*change.Event) bool { return true })
		final := make(map[change.Partition]int64)
		var waiting []change.Partition
		for _, part := range parts {
			final[part] = 0
			if rapid.IntRange(0, 3).Draw(t, "appears later") == 0 {
				waiting = append(waiting, part)
			} else {
				b.begin([]change.Beginning{{Partition: part, Fresh: rapid.Bool().Draw(t, "fresh")}})
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
			passed = append(passed, b.pass(slices.Clone(logs[part][:count]))...)
			logs[part] = logs[part][count:]
		}
		for range rapid.IntRange(0, 12).Draw(t, "deliveries") {
			if part := rapid.SampledFrom(parts).Draw(t, "arrives"); b.lanes[part] != nil {
				deliver(part, rapid.IntRange(0, len(logs[part])).Draw(t, "count"))
			}
			if b.asks() && rapid.Bool().Draw(t, "told") {
				passed = append(passed, b.told(final)...)
			}
		}
		for _, part := range waiting {
			b.begin([]change.Beginning{{Partition: part, Fresh: true}})
		}
		for _, part := range parts {
			deliver(part, len(logs[part]))
		}
		for b.asks() {
			passed = append(passed, b.told(final)...)
		}
		for range 10 * unpairedLimit { // deletes that never come hold nobody up for ever
			_, through := b.releaseUnpaired()
			passed = append(passed, through...)
			for b.asks() {
				passed = append(passed, b.told(final)...)
			}
		}
		for _, l := range b.queued {
			t.Errorf("%s is held back for ever at %d: %+v", l.Partition, l.next, l.queue[0])
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
