package pipeline

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"metadb/internal/change"
)

// refusedError is the applier's error for a refused table if the source has no other one.
type refusedError struct{ table change.Table }

func (e refusedError) Error() string       { return "table library.loan belongs to another" }
func (e refusedError) Table() change.Table { return e.table }
func (e refusedError) IsTableOnly() bool   { return true }
func (e refusedError) Refused() bool       { return true }

// TestRefusedTableWaitsAtOnce expects a refused table to be parked without another try, the
// others to continue, and its position to stay.
func TestRefusedTableWaitsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(c *Config) { c.LongestPause = time.Hour })
		r.send(change.Delivery{
			Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(loanPart0, change.PartitionProgress{})},
			Events:   []change.Event{loanAt(loanPart0, 0), upsert(part0, 0, 1, 1)},
		})
		r.batch()
		r.answer(refusedError{loan})
		others := r.batch()
		wantOffsets(t, others, map[change.Partition][]int64{part0: {0}})
		r.answer(nil)
		synctest.Wait()
		if paused := r.lastPaused(); !slices.Equal(paused, []change.Partition{loanPart0}) {
			t.Errorf("paused are %v", paused)
		}
		again := r.batch()
		wantOffsets(t, again, map[change.Partition][]int64{loanPart0: {0}})
		if span := again.Spans[0]; span.From.Next != 0 {
			t.Errorf("the position has moved: %+v", span)
		}
		r.answer(nil)
		_ = r.stop()
	})
}
