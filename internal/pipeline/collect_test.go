package pipeline

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"metadb/internal/change"
)

// TestLargeDeliveries sends deliveries one after the other. Small ones must be handed
// over at once, but not before batchPace after the batch before; large ones together,
// as soon as no more arrive or the batch is full.
func TestLargeDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(c *Config) { c.BatchEvents = 500 })
		next := int64(0)
		send := func(n int) {
			var d change.Delivery
			if next == 0 {
				d.Assigned = []change.Assignment{begin(part0, change.PartitionProgress{})}
			}
			for range n {
				d.Events = append(d.Events, upsert(part0, next, uint64(next+1), change.Micros(next+1)))
				next++
			}
			r.send(d)
		}
		var waited []time.Duration
		var sizes []int
		for _, deliveries := range [][]int{{3}, {200, 200}, {200, 5}, {200, 200, 200}, {3}} {
			began := time.Now()
			for _, n := range deliveries {
				send(n)
			}
			b := r.batch()
			waited, sizes = append(waited, time.Since(began)), append(sizes, len(b.Events))
			r.answer(nil)
			synctest.Wait()
		}
		if want := []int{3, 400, 205, 600, 3}; !slices.Equal(sizes, want) {
			t.Errorf("batches of %v events, want %v", sizes, want)
		}
		if want := []time.Duration{0, nextDeliveryWait, batchPace, 0, batchPace}; !slices.Equal(waited, want) {
			t.Errorf("batches waited %v, want %v", waited, want)
		}
	})
}
