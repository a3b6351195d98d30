package ordering

import (
	"testing"

	"metadb/internal/change"
)

// TestEndsAreReadWhenAllIsWritten has a producer write a truncate a tenth of a second
// after the change that follows it, in another partition.
func TestEndsAreReadWhenAllIsWritten(t *testing.T) {
	const second, written, late = change.Micros(1_000_000), change.Micros(5_000_000), change.Micros(100_000)
	skew := change.Micros(DefaultWriteSkew.Microseconds())
	b := newReadingGate(2)
	b.ready.writeSkew, b.ready.now = skew, written
	fresh := func(e change.Event, at change.Micros) change.Event {
		e.Record.Time = at
		return e
	}
	if got := describePositions(b.addEvents([]change.Event{fresh(event(0, 0, 6), written)})); got != "" {
		t.Errorf("passed at once: %s", got)
	}
	if in, waits := b.NextReady(); b.needsEnds() || !waits || in != DefaultWriteSkew {
		t.Errorf("the ends are asked for (%t), or in %s (%t), want after %s", b.needsEnds(), in, waits, DefaultWriteSkew)
	}
	b.ready.now += late
	if got := describePositions(b.addEvents([]change.Event{fresh(truncate(1, 0, 5), written+late), fresh(event(1, 1, 7), written+late)})); got != "" {
		t.Errorf("passed at once: %s", got)
	}
	b.ready.now = written + late + skew
	if !b.needsEnds() {
		t.Error("the ends are not asked for when all has been written")
	}
	if got := describePositions(b.SetEnds(ends(1, 2), true)); got != "1@0 0@0 1@1" {
		t.Errorf("got %s", got)
	}
	// Old events do not wait, and a producer's clock that is ahead does not prolong the wait.
	b.ready.now += second
	b.addEvents([]change.Event{fresh(event(0, 1, 8), written)})
	if !b.needsEnds() {
		t.Error("an old event waits")
	}
	b.SetEnds(ends(2, 2), true)
	b.addEvents([]change.Event{fresh(event(0, 2, 9), b.ready.now+3600*second)})
	if in, waits := b.NextReady(); !waits || in != DefaultWriteSkew {
		t.Errorf("waits %s (%t) for a clock that is ahead, want %s", in, waits, DefaultWriteSkew)
	}
}
