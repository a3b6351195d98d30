package pipeline

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"metadb/internal/change"
)

// loanEvent returns an upsert of a partition of another topic.
func loanEvent(number int32, lsn uint64) change.Event {
	e := event(number, 0, lsn)
	e.Position.Partition.Topic = "library.loan"
	return e
}

// TestUnknownEnds has two topics of two partitions; one partition has no leader, and so no
// known end. Changes of the other topic are released, and the end of a snapshot waits for
// both.
func TestUnknownEnds(t *testing.T) {
	b := newReadingGate(2)
	loans := []change.Partition{loanEvent(0, 0).Position.Partition, loanEvent(1, 0).Position.Partition}
	b.assignPartitions([]change.Assignment{{Partition: loans[0], Fresh: true}, {Partition: loans[1], Fresh: true}})
	got := b.addEvents([]change.Event{event(0, 0, 1), loanEvent(0, 2), last(1, 0, 3)})
	known := ends(1, 1)
	if got = append(got, b.setEndOffsets(known)...); describePositions(got) != "0@0" || got[0].Position.Partition.Topic != topicName {
		t.Errorf("while one topic's ends are not known %+v passed, want the change of the other", got)
	}
	known[loans[0]], known[loans[1]] = 1, 0
	if got := b.setEndOffsets(known); len(got) != 2 || got[0].Position.Partition != loans[0] {
		t.Errorf("when all are known %+v passed, want the change and the end of the snapshot", got)
	}
}

// TestUnknownEndsAreAskedForAgain expects missing end offsets to be requested once a second,
// and no more often.
func TestUnknownEndsAreAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		first, second := loanEvent(0, 0).Position.Partition, loanEvent(1, 0).Position.Partition
		r.source.noEnds, r.source.ends = errors.New("no leader"), map[change.Partition]int64{part0: 1, part1: 0}
		r.send(change.Delivery{
			Assigned: []change.Assignment{
				begin(part0, change.PartitionProgress{}), begin(part1, change.PartitionProgress{}), begin(first, change.PartitionProgress{}), begin(second, change.PartitionProgress{}),
			},
			Events: []change.Event{upsert(part0, 0, 6, 6), loanEvent(0, 7)},
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
