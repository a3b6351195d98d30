package pipeline

import (
	"testing"

	"metadb/internal/change"
)

// TestEndsAreReadWhenAllIsWritten has a producer write a truncate a tenth of a second
// after the change that follows it, in another partition.
func TestEndsAreReadWhenAllIsWritten(t *testing.T) {
	const second, written, late = change.Micros(1_000_000), change.Micros(5_000_000), change.Micros(100_000)
	skew := change.Micros(writeSkew.Microseconds())
	b := newReadingGate(2)
	b.writeSkew, b.now = skew, written
	fresh := func(e change.Event, at change.Micros) change.Event {
		e.Record.Time = at
		return e
	}
	if got := describePositions(b.addEvents([]change.Event{fresh(event(0, 0, 6), written)})); got != "" {
		t.Errorf("passed at once: %s", got)
	}
	if in, waits := b.nextReady(); b.needsEnds() || !waits || in != writeSkew {
		t.Errorf("the ends are asked for (%t), or in %s (%t), want after %s", b.needsEnds(), in, waits, writeSkew)
	}
	b.now += late
	if got := describePositions(b.addEvents([]change.Event{fresh(truncate(1, 0, 5), written+late), fresh(event(1, 1, 7), written+late)})); got != "" {
		t.Errorf("passed at once: %s", got)
	}
	b.now = written + late + skew
	if !b.needsEnds() {
		t.Error("the ends are not asked for when all has been written")
	}
	if got := describePositions(b.setEndOffsets(ends(1, 2))); got != "1@0 0@0 1@1" {
		t.Errorf("got %s", got)
	}
	// Old events do not wait, and a producer's clock that is ahead does not prolong the wait.
	b.now += second
	b.addEvents([]change.Event{fresh(event(0, 1, 8), written)})
	if !b.needsEnds() {
		t.Error("an old event waits")
	}
	b.setEndOffsets(ends(2, 2))
	b.addEvents([]change.Event{fresh(event(0, 2, 9), b.now+3600*second)})
	if in, waits := b.nextReady(); !waits || in != writeSkew {
		t.Errorf("waits %s (%t) for a clock that is ahead, want %s", in, waits, writeSkew)
	}
}
