package pipeline

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"metadb/internal/change"
	"metadb/internal/target/pgcode"
)

// changedIn returns an upsert of a year.
func changedIn(year int, offset int64) change.Event {
	return upsert(part0, offset, uint64(offset)+1, change.Micros(time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC).UnixMicro()))
}

// TestYearsOfABatch expects a batch to have events of a few years of a table, and the next one the
// following events, in their order.
func TestYearsOfABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(c *Config) { c.MaxYears = 2 })
		first := change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{})}}
		for offset, year := range []int{2001, 2002, 2001, 2003, 2001, 2002, 2003} {
			first.Events = append(first.Events, changedIn(year, int64(offset)))
		}
		r.send(first)
		for _, want := range [][]int64{{0, 1, 2}, {3, 4}, {5, 6}} {
			b := r.batch()
			wantOffsets(t, b, map[change.Partition][]int64{part0: want})
			if span := b.Spans[0]; span.From.Next != want[0] || span.To.Next != want[len(want)-1]+1 {
				t.Errorf("got the span %+v, want %v", span, want)
			}
			r.answer(nil)
		}
		r.send(change.Delivery{Events: []change.Event{changedIn(2004, 7)}})
		wantOffsets(t, r.batch(), map[change.Partition][]int64{part0: {7}})
		r.answer(nil)
		_ = r.stop()
	})
}

// TestFewerYears expects a batch of one topic that lacks locks repeatedly to restart the stream
// with batches of fewer years; a batch of a single year is retried.
func TestFewerYears(t *testing.T) {
	for name, test := range map[string]struct {
		years []int
		want  int
	}{
		"several": {[]int{2001, 2002, 2003, 2004}, 2},
		"two":     {[]int{2001, 2002}, 1},
		"one":     {[]int{2001, 2001}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			delivery := change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{})}}
			for offset, year := range test.years {
				delivery.Events = append(delivery.Events, changedIn(year, int64(offset)))
			}
			r.send(delivery)
			for range failuresToReduceYears {
				r.batch()
				r.answer(stuckError{table, pgcode.OutOfMemory})
			}
			if test.want == 0 {
				r.batch()
				r.answer(nil)
				return
			}
			err := r.wait()
			var few *YearsError
			if !errors.As(err, &few) || !errors.Is(err, ErrRestart) || few.Years != test.want {
				t.Errorf("the run ended with %v", err)
			}
		})
	}
}
