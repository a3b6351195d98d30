package pipeline

import (
	"fmt"
	"testing"

	"metadb/internal/change"
)

func TestSuspects(t *testing.T) {
	states := newPartitions()
	states.assignPartition(begin(part0, change.PartitionProgress{Next: 10, HighLSN: 100, HighTime: 50, TopLSN: 100, Forgotten: 50}))
	incremental := upsert(part0, 18, 1, 1)
	incremental.Snapshot = change.Incremental
	snapshot := func(offset int64, lsn uint64) change.Event {
		e := upsert(part0, offset, lsn, 60)
		e.Snapshot = change.InSnapshot
		return e
	}
	row := func(offset int64, lsn uint64, id int32) change.Event {
		e := upsert(part0, offset, lsn, 60)
		if lsn == 100 {
			e.Time = 50
		}
		e.Shape, e.Row = rowKeyShape, intCell(nil, id)
		return e
	}
	for _, test := range []struct {
		name              string
		event             change.Event
		suspect, repeated bool
	}{
		{"above both", upsert(part0, 10, 101, 51), false, false},
		{"the same again", upsert(part0, 11, 101, 51), true, true},
		{"lower lsn, later: a concurrent transaction", upsert(part0, 12, 90, 60), false, false},
		{"higher lsn, earlier", upsert(part0, 13, 102, 10), false, false},
		{"below both, from before what is remembered", row(14, 100, 1), true, false},
		{"no lsn", upsert(part0, 15, 0, 1), false, false},
		{"incremental snapshot", incremental, false, false},
		{"a row of a snapshot", snapshot(19, 200), false, false},
		{"another row of it", snapshot(20, 200), false, false},
		{"a row of an older snapshot", snapshot(21, 199), true, false},
		{"a change made while it was read", upsert(part0, 22, 150, 55), false, false},
		{"the delete of a change of key", row(23, 300, 1), false, false},
		{"its insert", row(24, 300, 2), false, false},
		{"both again: the delete", row(25, 300, 1), true, true},
		{"both again: the insert", row(26, 300, 2), true, true},
		{"another insert", row(27, 300, 3), false, false},
		{"a concurrent transaction at the same time", row(28, 299, 4), false, false},
		{"the same again", row(29, 299, 4), true, true},
	} {
		if !states.advancePast(&test.event) || test.event.Suspect != test.suspect || test.event.Repeated != test.repeated {
			t.Errorf("%s: suspect is %t, repeated %t", test.name, test.event.Suspect, test.event.Repeated)
		}
	}
}

// TestSuspectsReadAgain expects rows of an incremental snapshot, which have no lsn, to be
// suspect by their offsets after the position was moved back.
func TestSuspectsReadAgain(t *testing.T) {
	id, another := change.TopicID{1}, change.TopicID{2}
	for name, test := range map[string]struct {
		topic change.TopicID
		want  [3]bool
	}{
		"the same topic":               {id, [3]bool{true, true, false}},
		"the topic was made once more": {another, [3]bool{}},
	} {
		states := newPartitions()
		states.assignPartition(change.Assignment{Partition: part0, Stored: change.PartitionProgress{Next: 8, MaxNext: 10, TopicID: id}, From: 8, TopicID: test.topic})
		for i, want := range test.want {
			e := upsert(part0, int64(8+i), 0, 1)
			e.Snapshot = change.Incremental
			if !states.advancePast(&e) || e.Suspect != want {
				t.Errorf("%s: offset %d: suspect is %t", name, 8+i, e.Suspect)
			}
		}
	}
}

// TestSuspectsWhatTheDatabaseForgot expects events that may have been applied to be suspect,
// for any lsn, if the stored progress is lost.
func TestSuspectsWhatTheDatabaseForgot(t *testing.T) {
	for _, mark := range []change.SnapshotPhase{change.Streamed, change.InSnapshot, change.Incremental} {
		states := newPartitions()
		states.assignPartition(change.Assignment{Partition: part0, Fresh: true, From: 8, ReplayedBefore: 10})
		for i, want := range []bool{true, true, false} {
			e := upsert(part0, int64(8+i), uint64(80+i), change.Micros(80+i))
			if e.Snapshot = mark; !states.advancePast(&e) || e.Suspect != want {
				t.Errorf("mark %d, offset %d: suspect is %t", mark, 8+i, e.Suspect)
			}
		}
	}
}

// TestSuspectsWhatItsKeyHasPassed expects a change to be suspect if its key has moved to another
// partition and has a later change there, although its own partition has new changes of the key.
func TestSuspectsWhatItsKeyHasPassed(t *testing.T) {
	states := newPartitions()
	states.assignPartition(begin(part0, change.PartitionProgress{}))
	states.assignPartition(begin(part1, change.PartitionProgress{}))
	for i, e := range []change.Event{upsert(part0, 0, 10, 10), upsert(part1, 0, 30, 30), upsert(part0, 1, 20, 20), upsert(part0, 2, 40, 40)} {
		if want := i == 2; !states.advancePast(&e) || e.Suspect != want {
			t.Errorf("change %d: suspect is %t", i, e.Suspect)
		}
	}
}

func TestDeliveredTwiceAndNotOurs(t *testing.T) {
	states := newPartitions()
	states.assignPartition(begin(part0, change.PartitionProgress{Next: 5}))
	before, ours, other := upsert(part0, 4, 1, 1), upsert(part0, 5, 1, 1), upsert(part1, 5, 1, 1)
	if states.advancePast(&before) || !states.advancePast(&ours) || states.advancePast(&ours) || states.advancePast(&other) {
		t.Error("an event must be collected exactly once, and only from partitions that are ours")
	}
	states.revokePartition(part0)
	next := upsert(part0, 6, 1, 1)
	if states.advancePast(&next) {
		t.Error("a partition that was taken away is still collected")
	}
}

// TestIncrementalRowAfter: a row of an incremental snapshot gets the highest position before it
// in its partition, and none of another partition.
func TestIncrementalRowAfter(t *testing.T) {
	states := newPartitions()
	for _, part := range []change.Partition{part0, part1} {
		states.assignPartition(change.Assignment{Partition: part})
	}
	row := func(part change.Partition, offset int64) uint64 {
		e := upsert(part, offset, 0, 1)
		e.Snapshot = change.Incremental
		if !states.advancePast(&e) {
			t.Fatalf("%v has been delivered before", e.Position)
		}
		return e.CommittedAfter
	}
	before := row(part0, 0)
	for offset, lsn := range []uint64{7, 5} {
		e := upsert(part0, int64(offset)+1, 1, change.Micros(offset))
		e.LSN = lsn
		states.advancePast(&e)
	}
	if after, other := row(part0, 3), row(part1, 0); before != 0 || after != 7 || other != 0 {
		t.Errorf("positions %d, %d and, in another partition, %d; want 0, 7, 0", before, after, other)
	}
}

func TestFreshSpanOnlyOnce(t *testing.T) {
	states := newPartitions()
	states.assignPartition(change.Assignment{Partition: part0, Fresh: true, From: 3})
	if states.hasMoved() {
		t.Error("nothing has moved yet")
	}
	event := upsert(part0, 3, 1, 1)
	states.advancePast(&event)
	if spans := states.takeSpans(); len(spans) != 1 || !spans[0].Fresh || spans[0].From.Next != 3 || spans[0].To.Next != 4 {
		t.Errorf("got %+v", spans)
	}
	event = upsert(part0, 4, 2, 2)
	states.advancePast(&event)
	if spans := states.takeSpans(); len(spans) != 1 || spans[0].Fresh {
		t.Errorf("got %+v", spans)
	}
}

func TestOvertakenTruncate(t *testing.T) {
	states := newPartitions()
	states.assignPartition(begin(part0, change.PartitionProgress{HighLSN: 100, HighTime: 50}))
	states.assignPartition(begin(part1, change.PartitionProgress{HighLSN: 120, HighTime: 60}))
	for offset, test := range []struct {
		lsn  uint64
		want bool
	}{{110, true}, {130, false}} {
		truncate := upsert(part0, int64(offset), test.lsn, 70)
		truncate.Op = change.Truncate
		if states.advancePast(&truncate); truncate.Suspect != test.want || truncate.Overtaken != test.want {
			t.Errorf("lsn %d: suspect is %t, overtaken %t", test.lsn, truncate.Suspect, truncate.Overtaken)
		}
	}
}

// TestTruncateSentAgainElsewhere expects a truncate below the highest position to be suspect, since
// a connector that crashed may send it again to a partition with later events. It counts as
// repeated only if it is among the recent changes, or its topic has one partition.
func TestTruncateSentAgainElsewhere(t *testing.T) {
	mark := change.PartitionProgress{Next: 1, MaxNext: 1, HighLSN: 100, HighTime: 50, HighCommit: 90, TopLSN: 100, Forgotten: 50}
	for name, test := range map[string]struct {
		parts    []change.Partition
		repeated bool
	}{
		"of several partitions": {[]change.Partition{part0, part1}, false},
		"of one":                {[]change.Partition{part0}, true},
	} {
		states := newPartitions()
		for _, part := range test.parts {
			states.assignPartition(begin(part, mark))
		}
		e := upsert(part0, 1, 60, 30)
		e.Op, e.Commit = change.Truncate, 55
		if states.advancePast(&e); e.Repeated != test.repeated || !e.Suspect || e.Overtaken == test.repeated {
			t.Errorf("%s: repeated is %t, suspect %t, overtaken %t", name, e.Repeated, e.Suspect, e.Overtaken)
		}
	}
}

// TestRestartPoints delivers restart points ahead of the events before them, and for a partition
// without events: the progress has the last one that is not after it, and another one alone moves it.
func TestRestartPoints(t *testing.T) {
	point := func(offset int64) change.RestartPoint {
		return change.RestartPoint{Offset: offset, Place: fmt.Sprintf("after %d", offset)}
	}
	p := newPartitions()
	p.assignPartition(change.Assignment{Partition: part0, Stored: change.PartitionProgress{Next: 3, MaxNext: 3, Restart: point(1)}, From: 3})
	p.addRestarts([]change.Restart{{Partition: part0, Point: point(4)}, {Partition: part0, Point: point(6)}, {Partition: part1, Point: point(1)}})
	for _, test := range []struct {
		events  int
		restart int64
	}{{0, 1}, {1, 4}, {1, 4}, {1, 6}, {1, 6}} {
		for range test.events {
			if !p.advancePast(&change.Event{Position: change.Position{Partition: part0, Offset: p.states[part0].current.Next}}) {
				t.Fatal("an event was not accepted")
			}
		}
		spans := p.takeSpans()
		if test.events == 0 {
			if len(spans) > 0 {
				t.Errorf("nothing was read, and the progress moves: %+v", spans)
			}
			continue
		}
		if len(spans) != 1 || spans[0].To.Restart != point(test.restart) {
			t.Errorf("got %+v, want a span with the restart point after %d", spans, test.restart)
		}
	}
	p.addRestarts([]change.Restart{{Partition: part0, Point: change.RestartPoint{Offset: 7, Place: "later"}}})
	if spans := p.takeSpans(); len(spans) != 1 || spans[0].To.Restart.Place != "later" || spans[0].From.Restart != point(6) {
		t.Errorf("a restart point without events: got %+v", spans)
	}
	if p.hasMoved() || p.takeSpans() != nil {
		t.Error("the progress moves twice")
	}
}
