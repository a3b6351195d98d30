package oracle_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"metadb/internal/change"
	"metadb/internal/testkit/oracle"
)

// writer draws the transactions of sessions at the source for one table with a topic of
// several partitions: several changes each, truncates among them.
type writer struct {
	t          *rapid.T
	partitions int
	time       int64
	lsn        uint64
	// rows are the rows that are there.
	rows map[int]bool
	// changed are rows that the transaction has changed since it began, or truncated.
	changed map[int]bool
	events  []change.Event
}

func drawWriter(t *rapid.T) *writer {
	w := &writer{t: t, partitions: rapid.IntRange(2, 4).Draw(t, "partitions"), lsn: 1000, rows: make(map[int]bool)}
	for range rapid.IntRange(1, 12).Draw(t, "transactions") {
		w.time += rapid.SampledFrom([]int64{1, 1, 5}).Draw(t, "seconds")
		w.changed = make(map[int]bool)
		for range rapid.SampledFrom([]int{1, 1, 2, 4}).Draw(t, "changes") {
			w.change()
		}
	}
	return w
}

// change draws one change.
func (w *writer) change() {
	w.lsn += 10
	id := rapid.IntRange(1, 6).Draw(w.t, "id")
	switch action := rapid.IntRange(0, 9).Draw(w.t, "action"); {
	case action == 0:
		clear(w.rows)
		clear(w.changed)
		w.add(change.Event{Op: change.Truncate}, rapid.IntRange(0, w.partitions-1).Draw(w.t, "partition"))
	case w.changed[id]: // a version of no length more would have no order
	case action < 3 && w.rows[id]:
		w.changed[id] = true
		delete(w.rows, id)
		w.add(change.Event{Op: change.Delete, Shape: keyShapes[patron][0], Row: cell(nil, change.SmallInt, id)}, id%w.partitions)
	default:
		row := cell(nil, change.SmallInt, id)
		row = cell(row, change.Text, rapid.SampledFrom([]any{"a", "b"}).Draw(w.t, "name"))
		documents := []any{`{"a": 1}`, `{"a": 2}`}
		if w.rows[id] {
			documents = append(documents, unavailable{})
		}
		row = cell(row, change.JSONB, rapid.SampledFrom(documents).Draw(w.t, "doc"))
		w.add(change.Event{Op: change.Upsert, Created: !w.rows[id], Shape: shapes[patron][0], Row: row}, id%w.partitions)
		w.rows[id], w.changed[id] = true, true
	}
}

func (w *writer) add(e change.Event, number int) {
	e.Partitions = w.partitions
	e.Table, e.Source, e.LSN, e.Time = patron, patron, w.lsn, change.Micros((base+w.time)*1e6)
	e.Position.Partition = change.Partition{Topic: "sensor.patron", Number: int32(number)}
	w.events = append(w.events, e)
}

// written returns the events as a producer may write them: each partition by
// itself, in its order, with any delay between them.
func (w *writer) written() []change.Event {
	queues := make(map[int32][]change.Event)
	for _, e := range w.events {
		number := e.Position.Partition.Number
		queues[number] = append(queues[number], e)
	}
	var written []change.Event
	for len(queues) > 0 {
		numbers := make([]int32, 0, len(queues))
		for number := range queues {
			numbers = append(numbers, number)
		}
		slices.Sort(numbers)
		number := rapid.SampledFrom(numbers).Draw(w.t, "written")
		n := rapid.IntRange(1, len(queues[number])).Draw(w.t, "count")
		written = append(written, queues[number][:n]...)
		if queues[number] = queues[number][n:]; len(queues[number]) == 0 {
			delete(queues, number)
		}
	}
	return written
}

// TestOrderOfPartitions expects the versions of the source's own order, for any delays of
// writing the partitions of a topic and any division into batches.
func TestOrderOfPartitions(t *testing.T) {
	b := newBench(t)
	b.side = func(change.Table) int { return 0 }
	rapid.Check(t, func(t *rapid.T) {
		b.clear(t)
		w := drawWriter(t)
		written := w.written()
		defer func() {
			if t.Failed() {
				t.Log("at the source:", listEvents(w.events), "\nas read:", listEvents(written))
			}
		}()
		for events := written; len(events) > 0; {
			n := min(len(events), rapid.SampledFrom([]int{1, 2, 3, 100}).Draw(t, "batch"))
			batch := b.batch(slices.Clone(events[:n]))
			b.markOvertaken(batch)
			if _, err := b.appliers[0].Apply(context.Background(), batch); err != nil {
				t.Fatalf("apply: %v", err)
			}
			for _, span := range batch.Spans {
				b.marks[span.Partition] = span.To
			}
			if events = events[n:]; rapid.IntRange(0, 3).Draw(t, "restart") == 0 {
				b.crash(t)
			}
		}
		b.oracle = oracle.New()
		for i := range w.events {
			b.oracle.Apply(&w.events[i])
		}
		b.checkBut(t, patron, isInstant)
	})
}

// isInstant reports whether a version that is described has no length. Of changes that
// share the time of a truncate such versions may be missing: docs/reliability.md.
func isInstant(version string) bool {
	fields := strings.Split(version, "|")
	n := len(fields)
	return fields[n-3] == fields[n-2]
}

// markOvertaken marks the truncates of a batch that events of other partitions have
// overtaken, as the pipeline does.
func (b *testBench) markOvertaken(batch *change.Batch) {
	highs := make(map[change.Partition]uint64)
	for part, mark := range b.marks {
		highs[part] = mark.HighLSN
	}
	for i := range batch.Events {
		e := &batch.Events[i]
		for part, high := range highs {
			if e.Op == change.Truncate && part != e.Position.Partition && high > e.LSN {
				e.Overtaken, e.Suspect = true, true
			}
		}
		highs[e.Position.Partition] = max(highs[e.Position.Partition], e.LSN)
	}
}
