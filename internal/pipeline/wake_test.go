package pipeline

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"metadb/internal/change"
)

// TestWhatWaitsBehindALateEventIsWoken has the broker away when the ends are asked for
// a change. What came just before it is let go is too new then: it must not wait for
// the next record of a stream that is quiet from now on.
func TestWhatWaitsBehindALateEventIsWoken(t *testing.T) {
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
			Begun:  []change.Beginning{begin(part0, change.Mark{}), begin(part1, change.Mark{})},
			Events: []change.Event{written(0, 6)},
		})
		<-time.After(askInterval - writeSkew/2)
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
		if took := time.Since(began); took > askInterval+writeSkew {
			t.Errorf("the second event was collected after %s, want %s", took, askInterval+writeSkew/2)
		}
	})
}
