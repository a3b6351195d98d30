package pipeline

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline/ordering"
)

// TestTimerWakesEventsBehindALateOne stops the broker while the ends for a change are
// requested. An event that arrives just before the change is released is too new then: it
// must not wait for the next record of a stream without further records.
func TestTimerWakesEventsBehindALateOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		began := time.Now()
		written := func(offset int64, lsn uint64) change.Event {
			e := upsert(part0, offset, lsn, change.Micros(lsn))
			e.Record.Time = change.Micros(time.Now().UnixMicro())
			return e
		}
		r.source.noEnds, r.source.ends = errors.New("broker is away"), nil
		r.send(change.Delivery{
			Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(part1, change.PartitionProgress{})},
			Events:   []change.Event{written(0, 6)},
		})
		<-time.After(endsRetryInterval - ordering.DefaultWriteSkew/2)
		r.send(change.Delivery{Events: []change.Event{written(1, 7)}})
		synctest.Wait()
		r.source.mu.Lock()
		r.source.noEnds, r.source.ends = nil, map[change.Partition]int64{part0: 2}
		r.source.mu.Unlock()
		first := r.batch()
		r.answer(nil)
		second := r.batch()
		r.answer(nil)
		if len(first.Events) != 1 || len(second.Events) != 1 || second.Events[0].Position.Offset != 1 {
			t.Errorf("got %d events, then %+v", len(first.Events), second.Events)
		}
		if took := time.Since(began); took > endsRetryInterval+ordering.DefaultWriteSkew {
			t.Errorf("the second event was collected after %s, want %s", took, endsRetryInterval+ordering.DefaultWriteSkew/2)
		}
	})
}
