package ordering

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"metadb/internal/change"
)

const topicName = "library.patron"

func at(number int32) change.Partition { return change.Partition{Topic: topicName, Number: number} }

// event returns an upsert of partition number.
func event(number int32, offset int64, lsn uint64) change.Event {
	return change.Event{
		Op: change.Upsert, LSN: lsn,
		Position: change.Position{Partition: at(number), Offset: offset},
	}
}

func truncate(number int32, offset int64, lsn uint64) change.Event {
	e := event(number, offset, lsn)
	e.Op = change.Truncate
	return e
}

func keyChangeEvent(number int32, offset int64, lsn uint64) change.Event {
	e := event(number, offset, lsn)
	e.OldKey = change.AppendNull(nil)
	e.Row = change.AppendUnavailable(nil)
	return e
}

// deleted returns the delete of a change of key.
func deleted(number int32, offset int64, lsn uint64) change.Event {
	e := event(number, offset, lsn)
	e.Op, e.Record.Headers = change.Delete, []change.Header{{Name: newKeyHeader}}
	return e
}

// describePositions writes the events as partition@offset.
func describePositions(events []change.Event) string {
	var s []string
	for _, e := range events {
		s = append(s, fmt.Sprintf("%d@%d", e.Position.Partition.Number, e.Position.Offset))
	}
	return strings.Join(s, " ")
}

func last(number int32, offset int64, lsn uint64) change.Event {
	e := event(number, offset, lsn)
	e.Snapshot = change.LastInSnapshot
	return e
}

// row returns a row of a snapshot.
func row(number int32, offset int64, lsn uint64) change.Event {
	e := event(number, offset, lsn)
	e.Snapshot = change.InSnapshot
	return e
}

func ends(offsets ...int64) map[change.Partition]int64 {
	m := make(map[change.Partition]int64)
	for number, end := range offsets {
		m[at(int32(number))] = end
	}
	return m
}

// newTestGate returns a gate without waits for time. expected says whether snapshots are expected.
func newTestGate(expected bool) *Gate {
	return New(Config{IsExpectedEnd: func(*change.Event) bool { return expected }})
}

// passInterval lets an interval pass in which no record was read.
func passInterval(g *Gate) {
	g.idle.polls = emptyPoll
	g.idle.advance(len(g.queues.waiting) > 0)
}

// newReadingGate returns a gate with n assigned partitions of one topic, read from
// their beginning.
func newReadingGate(n int32) *Gate {
	b := newTestGate(true)
	var begun []change.Assignment
	for number := range n {
		begun = append(begun, change.Assignment{Partition: at(number), Fresh: true})
	}
	b.queues.assign(begun)
	return b
}

func TestBarrier(t *testing.T) {
	type events = []change.Event
	type step struct {
		// begin are partitions that are read from now on.
		begin  []int32
		arrive events
		// ends, if not nil, are the end offsets that are set after that, and from then on.
		ends map[change.Partition]int64
		want string
	}
	for _, test := range []struct {
		name       string
		partitions int32
		steps      []step
	}{
		{"one partition asks whether it is alone, once for all that has been delivered", 1, []step{
			{arrive: events{event(0, 0, 1), truncate(0, 1, 2), keyChangeEvent(0, 2, 3), last(0, 3, 4)}, want: "0@0"},
			{ends: ends(9), want: "0@1 0@2 0@3"},
			{arrive: events{last(0, 4, 4), event(0, 5, 5)}, ends: ends(9), want: "0@4 0@5"},
		}},
		{"a truncate waits for a partition that is not read yet, if it has records", 1, []step{
			{arrive: events{truncate(0, 0, 5), event(0, 1, 9)}, ends: ends(2, 1, 0), want: ""},
			{begin: []int32{1}},
			{arrive: events{event(1, 0, 3)}, want: "1@0 0@0 0@1"},
		}},
		{"a truncate waits for the ends of the others", 2, []step{
			{arrive: events{event(0, 0, 1), truncate(0, 1, 5), event(0, 2, 6)}, want: ""},
			{ends: ends(3, 2), want: ""},
			{arrive: events{event(1, 0, 2)}, want: "0@0 1@0"},
			{arrive: events{event(1, 1, 3)}, want: "1@1 0@1 0@2"},
		}},
		{"or for their first event with a higher lsn", 2, []step{
			{arrive: events{truncate(0, 0, 5)}, ends: ends(1, 100), want: ""},
			{arrive: events{event(1, 0, 4), event(1, 1, 6), event(1, 2, 7)}, want: "1@0 0@0 1@1 1@2"},
		}},
		{"a later event waits before the ends are known", 2, []step{
			{arrive: events{truncate(0, 0, 5), event(1, 0, 6)}, want: ""},
			{ends: ends(1, 1), want: "0@0 1@0"},
		}},
		{"a partition that is at its end does not wait", 2, []step{
			{arrive: events{event(1, 0, 1), truncate(0, 0, 5)}, ends: ends(1, 1), want: "1@0 0@0"},
		}},
		{"two truncates go in their order", 2, []step{
			{arrive: events{truncate(0, 0, 8), truncate(1, 0, 5), event(1, 1, 6), event(1, 2, 9)}, ends: ends(1, 3), want: "1@0 1@1 0@0 1@2"},
		}},
		{"the delete of a change of key comes before its create", 2, []step{
			{arrive: events{keyChangeEvent(0, 0, 5)}, ends: ends(1, 4), want: ""},
			{arrive: events{deleted(1, 0, 5)}, want: "1@0"},
			{arrive: events{event(1, 1, 6)}, ends: ends(1, 4), want: "0@0 1@1"},
		}},
		{"the create of a change of key waits for its delete, however late that is written", 3, []step{
			{arrive: events{keyChangeEvent(0, 0, 5), event(0, 1, 8)}, ends: ends(2, 0, 0), want: ""},
			{arrive: events{event(2, 0, 6), event(1, 0, 2), event(1, 1, 3)}, ends: ends(2, 2, 1), want: "1@0 1@1 2@0"},
			{arrive: events{deleted(1, 2, 5)}, ends: ends(2, 3, 1), want: "1@2 0@0 0@1"},
		}},
		{"and holds nobody up behind whom that delete is", 2, []step{
			{arrive: events{keyChangeEvent(0, 0, 5), event(1, 0, 9), deleted(1, 1, 5)}, ends: ends(1, 2), want: "1@0 1@1 0@0"},
		}},
		{"the mark last waits for all, but holds nobody back", 3, []step{
			{arrive: events{last(0, 0, 5), event(0, 1, 9), event(1, 0, 5)}, ends: ends(2, 2, 0), want: "1@0"},
			{arrive: events{event(1, 1, 5)}, ends: ends(2, 2, 0), want: "1@1 0@0 0@1"},
		}},
		{"a notification waits for all", 2, []step{
			{arrive: events{{Notification: &change.SnapshotNotification{Ends: true, Incremental: true}, Position: change.Position{Partition: at(0)}}, event(1, 0, 5)}, ends: ends(1, 2), want: "1@0"},
			{arrive: events{event(1, 1, 5)}, ends: ends(1, 2), want: "1@1 0@0"},
		}},
		{"a truncate behind the mark last", 2, []step{
			{arrive: events{last(0, 0, 5), event(1, 0, 5), truncate(1, 1, 8)}, ends: ends(1, 2), want: "1@0 0@0 1@1"},
		}},
		{"changes pass in the order of the source", 2, []step{
			{arrive: events{event(0, 0, 1), event(0, 1, 4), event(0, 2, 7)}, ends: ends(3, 3), want: ""},
			{arrive: events{event(1, 0, 3), event(1, 1, 5)}, want: "0@0 1@0 0@1 1@1"},
			{arrive: events{event(1, 2, 6)}, want: "1@2 0@2"},
		}},
		{"a change waits for a partition that is not read yet, if it has records", 2, []step{
			{arrive: events{event(0, 0, 4), event(1, 0, 5)}, ends: ends(1, 1, 1, 0), want: ""},
			{begin: []int32{2}, want: ""},
			{arrive: events{event(2, 0, 3)}, want: "2@0 0@0 1@0"},
		}},
		{"what was sent again goes where it is", 2, []step{
			{arrive: events{event(0, 0, 10), event(1, 0, 11), event(0, 1, 3), event(0, 2, 12)}, ends: ends(3, 1), want: "0@0 0@1 1@0 0@2"},
		}},
		{"rows of a snapshot wait for nobody", 2, []step{
			{arrive: events{row(0, 0, 5), row(1, 0, 5), row(0, 1, 5)}, want: "0@0 1@0 0@1"},
			{arrive: events{event(0, 2, 7), row(1, 1, 5)}, want: "1@1"},
			{ends: ends(3, 2), want: "0@2"},
			{arrive: events{truncate(1, 2, 8), row(0, 3, 9), row(0, 4, 6)}, ends: ends(5, 3), want: "0@3 0@4 1@2"},
		}},
		{"an unknown lsn stands behind what came before it", 2, []step{
			{arrive: events{event(0, 0, 8), truncate(0, 1, 0), event(1, 0, 9)}, ends: ends(2, 2), want: "0@0 0@1 1@0"},
			{arrive: events{event(1, 1, 10)}, want: "1@1"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newReadingGate(test.partitions)
			var known map[change.Partition]int64
			for i, step := range test.steps {
				for _, number := range step.begin {
					b.queues.assign([]change.Assignment{{Partition: at(number), Fresh: true}})
				}
				got := b.addEvents(step.arrive)
				if step.ends != nil {
					known = step.ends
				}
				for known != nil && b.needsEnds() {
					got = append(slices.Clip(got), b.SetEnds(known, true)...)
				}
				if describePositions(got) != step.want {
					t.Errorf("step %d: got %q, want %q", i, describePositions(got), step.want)
				}
			}
		})
	}
}

// TestBarrierComesToAnEnd has marks and waiting events in every combination that might wait
// for itself: with equal and unknown lsn, repeated, in new partitions.
func TestBarrierComesToAnEnd(t *testing.T) {
	unknown := func(e change.Event) change.Event {
		e.LSN = 0
		return e
	}
	notification := func(number int32, offset int64) change.Event {
		return change.Event{Notification: &change.SnapshotNotification{Ends: true}, Position: change.Position{Partition: at(number), Offset: offset}}
	}
	incremental := func(number int32, offset int64) change.Event {
		e := unknown(event(number, offset, 0))
		e.Snapshot = change.Incremental
		return e
	}
	for name, events := range map[string][]change.Event{
		"a row of a new partition and last":         {row(2, 0, 5), last(0, 0, 5)},
		"what has no lsn in a new partition":        {incremental(2, 0), last(0, 0, 5), incremental(2, 1)},
		"notification, truncate and last":           {notification(2, 0), truncate(0, 0, 8), last(1, 0, 5)},
		"a truncate that was sent again and last":   {event(0, 0, 10), truncate(0, 1, 3), last(1, 0, 5)},
		"a truncate with the lsn of last":           {truncate(0, 0, 5), last(1, 0, 5)},
		"a truncate without lsn and last":           {unknown(truncate(0, 0, 0)), last(1, 0, 5)},
		"two truncates without lsn":                 {unknown(truncate(0, 0, 0)), unknown(truncate(1, 0, 0)), event(2, 0, 4)},
		"two truncates with the same lsn":           {truncate(0, 0, 5), truncate(1, 0, 5), keyChangeEvent(2, 0, 5)},
		"two ends of a snapshot and a notification": {last(0, 0, 5), last(1, 0, 5), notification(2, 0), event(2, 1, 5), keyChangeEvent(1, 1, 5)},
	} {
		for _, end := range [][]int64{{4, 4, 4}, nil} { // beyond the delivered events, and exactly behind them
			b := newTestGate(true)
			b.queues.assign([]change.Assignment{{Partition: at(0)}, {Partition: at(1)}})
			b.queues.assign([]change.Assignment{{Partition: at(2), Fresh: true}})
			counts := make([]int64, 3)
			for _, e := range events {
				counts[e.Position.Partition.Number] = e.Position.Offset + 1
			}
			b.addEvents(slices.Clone(events))
			if end == nil {
				end = counts
			}
			for range 8 { // an idle partition delays no event forever
				for b.needsEnds() {
					b.SetEnds(ends(end...), true)
				}
				b.idle.ticks += idleTicks
				b.ReleaseStalled(b.findStalled(), nil)
				for range maxDeleteWaits {
					b.ReleaseUnpaired()
				}
			}
			if len(b.queues.waiting) > 0 {
				t.Errorf("%s, ends %v: %d partitions are held back for ever", name, end, len(b.queues.waiting))
			}
		}
	}
}

// TestBarrierBehindTheEndOfASnapshot expects no event to overtake those behind the end of a
// snapshot while that waits for another topic.
func TestBarrierBehindTheEndOfASnapshot(t *testing.T) {
	b := newReadingGate(2)
	other := change.Partition{Topic: "library.loan", Number: 2}
	b.queues.assign([]change.Assignment{{Partition: other}})
	known := ends(2, 2)
	known[other] = 1
	got := b.addEvents([]change.Event{last(0, 0, 5), truncate(0, 1, 7), event(1, 0, 5), event(1, 1, 8)})
	for b.needsEnds() {
		got = append(slices.Clip(got), b.SetEnds(known, true)...)
	}
	if describePositions(got) != "1@0" {
		t.Errorf("before the other topic is at its end %s passed, want 1@0", describePositions(got))
	}
	got = b.addEvents([]change.Event{{Op: change.Upsert, LSN: 9, Position: change.Position{Partition: other}}})
	if want := "2@0 0@0 0@1 1@1"; describePositions(got) != want {
		t.Errorf("after that %s passed, want %s", describePositions(got), want)
	}
}

// TestBarrierIsFull expects a partition that is far ahead of the others to be paused until
// half of its queue is released.
func TestBarrierIsFull(t *testing.T) {
	b := newReadingGate(2)
	large := func(number int32, offset int64, lsn uint64) change.Event {
		e := event(number, offset, lsn)
		e.Row = make(change.Row, MaxQueueBytes/4)
		return e
	}
	steps := []struct {
		arrive []change.Event
		full   bool
	}{
		{[]change.Event{large(0, 0, 1), large(0, 1, 3)}, false},
		{[]change.Event{large(0, 2, 5), large(0, 3, 7), large(0, 4, 9)}, true},
		{[]change.Event{event(1, 0, 2)}, true},
		{[]change.Event{event(1, 1, 4), event(1, 2, 6)}, true},
		{[]change.Event{event(1, 3, 8)}, false},
	}
	for i, step := range steps {
		b.addEvents(step.arrive)
		b.SetEnds(ends(5, 9), true)
		if got := len(b.Paused(nil)) > 0; got != step.full {
			t.Errorf("step %d: full is %t", i, got)
		}
	}
}

func TestBarrierForgetsWhatIsReadAgain(t *testing.T) {
	b := newReadingGate(2)
	b.addEvents([]change.Event{truncate(0, 0, 5), event(1, 0, 6)})
	b.queues.assign([]change.Assignment{{Partition: at(0), Fresh: true}})
	if got := describePositions(b.SetEnds(ends(0, 1), true)); got != "1@0" {
		t.Errorf("after the truncate's partition began again: got %q, want 1@0", got)
	}
	b.queues.revoke(at(0))
	if got := describePositions(append(b.addEvents([]change.Event{event(0, 0, 1), truncate(1, 1, 7)}), b.SetEnds(ends(9, 2), true)...)); got != "" {
		t.Errorf("a partition that somebody else reads now: got %q", got)
	}
	b.queues.assign([]change.Assignment{{Partition: at(1), From: 1}})
	if got := describePositions(append(b.addEvents([]change.Event{truncate(1, 1, 7)}), b.SetEnds(ends(0, 2), true)...)); got != "1@1" {
		t.Errorf("a partition alone: got %q, want 1@1", got)
	}
}

// TestBarrierKeepsOrder delivers random streams of several partitions in random
// interleavings, with repetitions: all events must be released, each partition in its
// order, and changes in the order of the source.
func TestBarrierKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "partitions")
		logs := make([][]change.Event, n)
		for lsn := range rapid.IntRange(0, 40).Draw(t, "events") {
			number := rapid.IntRange(0, n-1).Draw(t, "partition")
			kind := rapid.SampledFrom([]func(int32, int64, uint64) change.Event{event, event, event, row, truncate, keyChangeEvent, last}).Draw(t, "kind")
			if e := kind(0, 0, 1); e.OldKey != nil {
				other := rapid.IntRange(0, n-1).Draw(t, "partition of the delete")
				logs[other] = append(logs[other], deleted(int32(other), int64(len(logs[other])), uint64(lsn+1)))
				logs[number] = append(logs[number], kind(int32(number), int64(len(logs[number])), uint64(lsn+1)))
				continue
			}
			again := rapid.SampledFrom([]int{0, 0, 0, 7}).Draw(t, "sent again")
			logs[number] = append(logs[number], kind(int32(number), int64(len(logs[number])), uint64(max(1, lsn+1-again))))
		}
		final := make([]int64, n)
		places := make(map[change.Position]uint64)
		for number := range logs {
			final[number] = int64(len(logs[number]))
			high := uint64(0)
			for _, e := range logs[number] {
				switch e.Snapshot {
				case change.Streamed:
					high = max(high, e.LSN)
					places[e.Position] = high
				case change.LastInSnapshot: // events behind it follow those that precede it
					high = max(high, e.LSN)
				}
			}
		}
		b := newReadingGate(int32(n))
		var got []change.Event
		for slices.ContainsFunc(logs, func(log []change.Event) bool { return len(log) > 0 }) {
			number := rapid.IntRange(0, n-1).Draw(t, "arrives")
			count := rapid.IntRange(0, len(logs[number])).Draw(t, "count")
			got = append(got, b.addEvents(slices.Clone(logs[number][:count]))...)
			logs[number] = logs[number][count:]
			if b.needsEnds() && rapid.Bool().Draw(t, "told") {
				got = append(got, b.SetEnds(ends(final...), true)...)
			}
		}
		for b.needsEnds() {
			got = append(got, b.SetEnds(ends(final...), true)...)
		}
		next, high := make([]int64, n), uint64(0)
		for _, e := range got {
			number := e.Position.Partition.Number
			if e.Position.Offset != next[number] {
				t.Fatalf("%s: out of order in its partition", e.Position)
			}
			next[number]++
			if place, ordered := places[e.Position]; ordered {
				if place < high {
					t.Fatalf("%s has the place %d, and comes after one with %d", e.Position, place, high)
				}
				high = place
			}
		}
		if !slices.Equal(next, final) {
			t.Fatalf("passed %v of %v", next, final)
		}
	})
}
