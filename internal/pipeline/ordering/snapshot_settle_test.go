package ordering

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"metadb/internal/change"
)

// slowProducer has the records of a snapshot and of changes behind it, and writes them to
// each partition from a separate queue, in model time. Written records are read at once.
type slowProducer struct {
	gate  *Gate
	t     *rapid.T
	parts []change.Partition
	// queues have the unwritten records, end the ends of the partitions.
	queues map[change.Partition][]change.Event
	end    map[change.Partition]int64
	// written and passed count the rows of the snapshot, ended says that its last mark was released.
	written, passed, rows int
	ended                 bool
}

// snapshotSettle is the gate's settleTime in the model.
const snapshotSettle = change.Micros(2_000_000)

func newSlowProducer(t *rapid.T) *slowProducer {
	p := &slowProducer{
		gate: newTestGate(true), t: t,
		parts:  []change.Partition{at(0), at(1), at(2), {Topic: "library.loan"}, {Topic: "library.loan", Number: 1}},
		queues: make(map[change.Partition][]change.Event), end: make(map[change.Partition]int64),
	}
	p.gate.ready.now, p.gate.ready.writeSkew, p.gate.ready.settleTime = 1_000_000_000, change.Micros(DefaultWriteSkew.Microseconds()), snapshotSettle
	var begun []change.Assignment
	for _, part := range p.parts {
		begun = append(begun, change.Assignment{Partition: part, Fresh: true})
		p.end[part] = 0
	}
	p.gate.queues.assign(begun)
	p.rows = rapid.IntRange(1, 30).Draw(t, "rows")
	for i := range p.rows {
		e := change.Event{Op: change.Upsert, LSN: 100, Snapshot: change.InSnapshot}
		if i == p.rows-1 {
			e.Snapshot = change.LastInSnapshot
		}
		p.hand(e)
	}
	for i := range rapid.IntRange(0, 10).Draw(t, "changes") {
		e := change.Event{Op: change.Upsert, LSN: uint64(200 + i)}
		if rapid.IntRange(0, 3).Draw(t, "truncate") == 0 {
			e.Op = change.Truncate
		}
		p.hand(e)
	}
	return p
}

// hand adds a record to a partition's queue. All are added at once, as while a backlog is
// worked off.
func (p *slowProducer) hand(e change.Event) {
	part := rapid.SampledFrom(p.parts).Draw(p.t, "partition")
	e.Position = change.Position{Partition: part, Offset: int64(len(p.queues[part]))}
	e.Record.Time = p.gate.ready.now
	p.queues[part] = append(p.queues[part], e)
}

// write writes the next records of some partition, which are read at once, and returns false
// when no record is left.
func (p *slowProducer) write() bool {
	left := slices.DeleteFunc(slices.Clone(p.parts), func(part change.Partition) bool { return len(p.queues[part]) == 0 })
	if len(left) == 0 {
		return false
	}
	part := rapid.SampledFrom(left).Draw(p.t, "written")
	n := rapid.IntRange(1, len(p.queues[part])).Draw(p.t, "count")
	batch := slices.Clone(p.queues[part][:n])
	p.queues[part] = p.queues[part][n:]
	p.end[part] += int64(n)
	for i := range batch {
		if batch[i].Snapshot != change.Streamed {
			p.written++
		}
	}
	p.take(p.gate.addEvents(batch))
	p.ask()
	return true
}

// ask sets the end offsets as long as the gate needs them.
func (p *slowProducer) ask() {
	for p.gate.needsEnds() {
		through := p.gate.SetEnds(p.end, true)
		p.take(through)
		if len(through) == 0 {
			break
		}
	}
}

// wait advances the time, and sets end offsets as soon as events are ready.
func (p *slowProducer) wait(d change.Micros) {
	until := p.gate.ready.now + d
	for in, waits := p.gate.NextReady(); waits && p.gate.ready.now+change.Micros(in.Microseconds()) <= until; in, waits = p.gate.NextReady() {
		p.gate.ready.now += change.Micros(in.Microseconds())
		p.ask()
	}
	p.gate.ready.now = until
	p.ask()
}

// take collects released events. The mark must be released only behind all written rows.
func (p *slowProducer) take(through []change.Event) {
	for i := range through {
		if through[i].Snapshot != change.Streamed {
			p.passed++
		}
		if through[i].Snapshot == change.LastInSnapshot {
			p.ended = true
			if p.passed != p.written {
				p.t.Fatalf("the last mark passes behind %d of %d rows that are written", p.passed, p.written)
			}
		}
	}
}

// TestLastMarkUnderDelays has a producer write the partitions of a snapshot with any delay. As
// long as it writes rows within the settle time, the mark of the last one must not be released
// before all of them, even if that takes minutes and the mark itself was written first. After a
// longer pause the mark is released behind all written records.
func TestLastMarkUnderDelays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newSlowProducer(t)
		silent := rapid.Bool().Draw(t, "silent for minutes")
		for p.write() {
			// Changes are written in between, and rows within the time all the same.
			d := change.Micros(rapid.Int64Range(0, int64(snapshotSettle)/50).Draw(t, "pause"))
			if silent {
				d = change.Micros(rapid.Int64Range(0, (5*time.Minute).Microseconds()).Draw(t, "long pause"))
			}
			p.wait(d)
			if p.ended && !silent && p.written < p.rows {
				t.Fatalf("the snapshot is complete although %d of %d rows are written", p.written, p.rows)
			}
		}
		p.wait(2 * snapshotSettle)
		if !p.ended || len(p.gate.queues.waiting) > 0 {
			t.Fatalf("the mark has passed: %t, %d partitions are held back", p.ended, len(p.gate.queues.waiting))
		}
	})
}

// TestLastMarkWithoutLeader expects the mark to wait for a partition without a leader, which
// may get rows when it has one again.
func TestLastMarkWithoutLeader(t *testing.T) {
	b := newReadingGate(2)
	b.ready.now, b.ready.settleTime = 1_000_000_000, snapshotSettle
	b.addEvents([]change.Event{row(0, 0, 5), last(0, 1, 5)})
	b.ready.now += snapshotSettle
	if !b.needsEnds() {
		t.Fatal("the ends are not asked for")
	}
	b.restartSettling() // the ends are not available
	if b.needsEnds() {
		t.Error("the ends are asked for again at once")
	}
	b.ready.now += snapshotSettle - 1
	b.addEvents([]change.Event{row(1, 0, 5)})
	if b.ready.now++; b.needsEnds() {
		t.Error("the ends are asked for although a row has come")
	}
	b.ready.now += snapshotSettle
	if got := describePositions(b.SetEnds(ends(2, 1), true)); got != "0@1" {
		t.Errorf("got %q, want the mark", got)
	}
}
