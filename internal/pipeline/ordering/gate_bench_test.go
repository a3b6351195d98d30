package ordering

import (
	"testing"

	"metadb/internal/change"
)

// BenchmarkOrderGate passes changes of a topic with four partitions, delivered as a
// broker does: a piece of each partition in turn.
func BenchmarkOrderGate(b *testing.B) {
	const partitions, piece = 4, 250
	barrier := newReadingGate(partitions)
	next := make([]int64, partitions)
	passed := 0
	b.ReportAllocs()
	for b.Loop() {
		delivery := make([]change.Event, 0, partitions*piece)
		for number := range int32(partitions) {
			for range piece {
				delivery = append(delivery, event(number, next[number], uint64(next[number])*partitions+uint64(number)+1))
				next[number]++
			}
		}
		passed += len(barrier.addEvents(delivery))
		for barrier.needsEnds() {
			passed += len(barrier.SetEnds(ends(next...), true))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(passed), "ns/event")
}
