package pipeline

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"metadb/internal/change"
)

// changedIn is an upsert of a year.
func changedIn(year int, offset int64) change.Event {
	return upsert(part0, offset, uint64(offset)+1, change.Micros(time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC).UnixMicro()))
}

// TestYearsOfABatch: a batch has events of a few years of a table; what follows is the next one's, in
// its order.
func TestYearsOfABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(c *Config) { c.Years = 2 })
		first := change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{})}}
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

// TestFewerYears: a batch of one topic that runs out of locks again and again has the stream begin
// anew with batches of fewer years; one of a single year is tried again.
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
			delivery := change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{})}}
			for offset, year := range test.years {
				delivery.Events = append(delivery.Events, changedIn(year, int64(offset)))
			}
			r.send(delivery)
			for range failuresToNarrow {
				r.batch()
				r.answer(stuckError{table, outOfMemory})
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
