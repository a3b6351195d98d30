package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

// harnessOfTwo is a pipeline with two appliers that divides every possible batch.
type harnessOfTwo struct {
	*harness
	second *fakeApplier
}

func startTwo(t *testing.T, change0 func(*Config)) *harnessOfTwo {
	t.Helper()
	s := &harnessOfTwo{second: &fakeApplier{batches: make(chan *change.Batch), answers: make(chan error)}}
	s.harness = start(t, func(c *Config) {
		c.Appliers, c.MinShareEvents = append(c.Appliers, s.second), 1
		if change0 != nil {
			change0(c)
		}
	})
	return s
}

// both sends an event to each of two tables, at an offset.
func (s *harnessOfTwo) both(offset int64) {
	s.t.Helper()
	d := change.Delivery{Events: []change.Event{upsert(part0, offset, uint64(offset)+1, 1), loanAt(loanPart0, offset)}}
	if offset == 0 {
		d.Assigned = []change.Assignment{begin(part0, change.PartitionProgress{}), begin(loanPart0, change.PartitionProgress{})}
	}
	s.send(d)
}

// shares returns the batches that both appliers have at the same time.
func (s *harnessOfTwo) shares() (first, second *change.Batch) {
	s.t.Helper()
	return s.batch(), s.secondBatch()
}

func (s *harnessOfTwo) secondBatch() *change.Batch {
	s.t.Helper()
	return s.batchOf(s.second)
}

// acked returns the acknowledged offsets of partitions, and expects each span once.
func (s *harnessOfTwo) acked(t *testing.T) map[change.Partition]int64 {
	t.Helper()
	s.source.mu.Lock()
	defer s.source.mu.Unlock()
	next := make(map[change.Partition]int64)
	for _, span := range s.source.acked {
		if span.From.Next != next[span.Partition] {
			t.Errorf("%v is acknowledged from %d, want from %d", span.Partition, span.From.Next, next[span.Partition])
		}
		next[span.Partition] = span.To.Next
	}
	return next
}

// TestTablesSideBySide expects both appliers to work at the same time, each on its own topics
// with their spans, and the next batch to wait for both.
func TestTablesSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startTwo(t, nil)
		for offset := range int64(3) {
			s.both(offset)
			first, second := s.shares()
			wantOffsets(t, first, map[change.Partition][]int64{part0: {offset}})
			wantOffsets(t, second, map[change.Partition][]int64{loanPart0: {offset}})
			for _, b := range []*change.Batch{first, second} {
				if len(b.Spans) != 1 || b.Spans[0].Partition != b.Events[0].Position.Partition || b.Source != "sensor" {
					t.Errorf("got the spans %+v of source %q", b.Spans, b.Source)
				}
			}
			s.second.answers <- nil
			synctest.Wait()
			if got := s.acked(t)[loanPart0]; got != offset {
				t.Errorf("acknowledged is %d before the other share is applied, want %d", got, offset)
			}
			s.answer(nil)
			synctest.Wait()
			if got := s.acked(t); got[part0] != offset+1 || got[loanPart0] != offset+1 {
				t.Errorf("acknowledged is %v after offset %d", got, offset)
			}
		}
	})
}

// TestNotDivided expects a batch that is too small, or has one table, to be applied whole.
func TestNotDivided(t *testing.T) {
	other := change.Partition{Topic: "library.patron2"}
	for name, test := range map[string]struct {
		least  int
		second change.Event
	}{
		"too few events":      {2, loanAt(loanPart0, 0)},
		"a topic":             {1, upsert(part1, 0, 1, 1)},
		"topics of one table": {1, upsert(other, 0, 1, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			s := startTwo(t, func(c *Config) { c.MinShareEvents = test.least })
			part := test.second.Position.Partition
			s.source.ends = map[change.Partition]int64{part0: 1, part: 1}
			s.send(change.Delivery{
				Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(part, change.PartitionProgress{})},
				Events:   []change.Event{upsert(part0, 0, 1, 1), test.second},
			})
			wantOffsets(t, s.batch(), map[change.Partition][]int64{part0: {0}, part: {0}})
			s.answer(nil)
		})
	}
}

// TestEndOfSnapshotIsNotDivided expects the end of a snapshot to commit with all of its batch,
// whether a snapshot is expected or not.
func TestEndOfSnapshotIsNotDivided(t *testing.T) {
	s := startTwo(t, nil)
	last := loanAt(loanPart0, 0)
	last.Snapshot = change.LastInSnapshot
	s.send(change.Delivery{
		Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(loanPart0, change.PartitionProgress{})},
		Events:   []change.Event{upsert(part0, 0, 1, 1), last},
	})
	wantOffsets(t, s.batch(), map[change.Partition][]int64{part0: {0}, loanPart0: {0}})
	s.answer(nil)
}

// TestSnapshotNewsAreNotDivided expects rows of a snapshot that was running when the
// synchronization began to be reported with their batch.
func TestSnapshotNewsAreNotDivided(t *testing.T) {
	expected := ExpectedSnapshot{Table: AllTables, Since: time.Unix(1, 0), IsCovered: func(change.Position) bool { return false }}
	s := startTwo(t, func(c *Config) {
		c.ExpectedSnapshots = func() []ExpectedSnapshot { return []ExpectedSnapshot{expected} }
	})
	early := loanAt(loanPart0, 0)
	early.Snapshot = change.InSnapshot
	s.send(change.Delivery{
		Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(loanPart0, change.PartitionProgress{})},
		Events:   []change.Event{upsert(part0, 0, 1, 1), early},
	})
	b := s.batch()
	wantOffsets(t, b, map[change.Partition][]int64{part0: {0}, loanPart0: {0}})
	if b.Snapshots[AllTables].PreviousSnapshot != (change.SnapshotID{LSN: early.LSN, Time: early.Time}) {
		t.Errorf("got the news %+v", b.Snapshots)
	}
	s.answer(nil)
}

// TestSyncBeginsWhileABatchIsApplied begins a synchronization after the progress of a batch,
// divided or whole, was determined. The rows of the running snapshot must be recorded all
// the same, and its end must not count.
func TestSyncBeginsWhileABatchIsApplied(t *testing.T) {
	for name, least := range map[string]int{"divided": 1, "whole": 100} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var expected atomic.Pointer[[]ExpectedSnapshot]
				expected.Store(&[]ExpectedSnapshot{})
				s := startTwo(t, func(c *Config) {
					c.ExpectedSnapshots, c.MinShareEvents = func() []ExpectedSnapshot { return *expected.Load() }, least
				})
				begun := change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(loanPart0, change.PartitionProgress{})}}
				rows := [2]change.Event{}
				for i := range rows {
					rows[i] = loanAt(loanPart0, int64(i))
					rows[i].LSN, rows[i].Time, rows[i].Snapshot = 1, 1, change.InSnapshot
				}
				rows[1].Snapshot = change.LastInSnapshot
				begun.Events = []change.Event{upsert(part0, 0, 1, 1), rows[0]}
				s.source.ends = map[change.Partition]int64{part0: 1, loanPart0: 2}
				s.send(begun)
				s.batch()
				if least == 1 {
					s.secondBatch()
					s.second.answers <- nil
				}
				expected.Store(&[]ExpectedSnapshot{{Table: AllTables, Since: time.Unix(1, 0), IsCovered: func(at change.Position) bool { return at.Offset > 0 }}})
				s.answer(nil)
				s.send(change.Delivery{Events: []change.Event{rows[1]}})
				if b := s.batch(); b.Snapshots[AllTables].Complete != "" {
					t.Errorf("the end of the earlier snapshot counts: %+v", b.Snapshots)
				}
				s.answer(nil)
				synctest.Wait()
				if len(s.reporter.completed) > 0 {
					t.Errorf("said to be complete: %v", <-s.reporter.completed)
				}
			})
		})
	}
}

// TestManyTopicsSideBySide expects each share to be split if it has too many topics, and the
// parts after a failed one to be applied after it.
func TestManyTopicsSideBySide(t *testing.T) {
	s := startTwo(t, nil)
	var all change.Delivery
	for i := range 4*batch.MaxBatchLanes + 2 {
		e := upsert(change.Partition{Topic: fmt.Sprintf("topic_%03d", i)}, 0, 1, 1)
		e.Source.Name = e.Position.Partition.Topic
		all.Assigned = append(all.Assigned, begin(e.Position.Partition, change.PartitionProgress{}))
		all.Events = append(all.Events, e)
	}
	s.send(all)
	var applied []int
	for range 3 {
		b := s.batch()
		applied = append(applied, len(b.Spans))
		s.answer(nil)
	}
	applied = append(applied, len(s.secondBatch().Spans))
	s.second.answers <- nil
	failed := s.secondBatch()
	s.second.answers <- errors.New("connection lost")
	again := s.batch()
	if again != failed {
		t.Error("another part is tried again")
	}
	applied = append(applied, len(again.Spans))
	s.answer(nil)
	applied = append(applied, len(s.batch().Spans))
	s.answer(nil)
	if want := []int{100, 100, 1, 100, 100, 1}; !slices.Equal(applied, want) {
		t.Errorf("the parts have %v topics, want %v", applied, want)
	}
}
