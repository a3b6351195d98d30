package pipeline

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"metadb/internal/change"
)

// TestUnknownEndsAreAskedForAgain expects missing end offsets to be requested once a second,
// and no more often.
func TestUnknownEndsAreAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		first, second := change.Partition{Topic: "library.loan"}, change.Partition{Topic: "library.loan", Number: 1}
		r.source.noEnds, r.source.ends = errors.New("no leader"), map[change.Partition]int64{part0: 1, part1: 0}
		r.send(change.Delivery{
			Assigned: []change.Assignment{
				begin(part0, change.PartitionProgress{}), begin(part1, change.PartitionProgress{}), begin(first, change.PartitionProgress{}), begin(second, change.PartitionProgress{}),
			},
			Events: []change.Event{upsert(part0, 0, 6, 6), upsert(first, 0, 7, 0)},
		})
		if got := r.batch(); len(got.Events) != 1 || got.Events[0].Position.Partition != part0 {
			t.Errorf("got %+v, want the change of the topic whose ends are known", got.Events)
		}
		r.answer(nil)
		<-time.After(10*endsRetryInterval + endsRetryInterval/2)
		r.source.mu.Lock()
		asked := r.source.asked
		r.source.noEnds, r.source.ends[first] = nil, 1
		r.source.mu.Unlock()
		const measuring = 2 // times the lag was measured
		if asked < 10 || asked > 12+measuring {
			t.Errorf("the ends were asked for %d times in 10 s", asked)
		}
		if got := r.batch(); len(got.Events) != 1 || got.Events[0].Position.Partition != first {
			t.Errorf("got %+v, want the change that waited", got.Events)
		}
		r.answer(nil)
	})
}
