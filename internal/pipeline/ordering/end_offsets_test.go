package ordering

import (
	"testing"

	"metadb/internal/change"
)

// TestEndsAreReadWhenAllIsWritten has a producer write a truncate a tenth of a second
// after the change that follows it, in another partition.
func TestEndsAreReadWhenAllIsWritten(t *testing.T) {
	const second, written, late = change.Micros(1_000_000), change.Micros(5_000_000), change.Micros(100_000)
	skew := change.Micros(WriteSkew.Microseconds())
	b := newReadingGate(2)
	b.WriteSkew, b.Now = skew, written
	fresh := func(e change.Event, at change.Micros) change.Event {
		e.Record.Time = at
		return e
	}
	if got := describePositions(b.AddEvents([]change.Event{fresh(event(0, 0, 6), written)})); got != "" {
		t.Errorf("passed at once: %s", got)
	}
	if in, waits := b.NextReady(); b.NeedsEnds() || !waits || in != WriteSkew {
		t.Errorf("the ends are asked for (%t), or in %s (%t), want after %s", b.NeedsEnds(), in, waits, WriteSkew)
	}
	b.Now += late
	if got := describePositions(b.AddEvents([]change.Event{fresh(truncate(1, 0, 5), written+late), fresh(event(1, 1, 7), written+late)})); got != "" {
		t.Errorf("passed at once: %s", got)
	}
	b.Now = written + late + skew
	if !b.NeedsEnds() {
		t.Error("the ends are not asked for when all has been written")
	}
	if got := describePositions(b.SetEndOffsets(ends(1, 2))); got != "1@0 0@0 1@1" {
		t.Errorf("got %s", got)
	}
	// Old events do not wait, and a producer's clock that is ahead does not prolong the wait.
	b.Now += second
	b.AddEvents([]change.Event{fresh(event(0, 1, 8), written)})
	if !b.NeedsEnds() {
		t.Error("an old event waits")
	}
	b.SetEndOffsets(ends(2, 2))
	b.AddEvents([]change.Event{fresh(event(0, 2, 9), b.Now+3600*second)})
	if in, waits := b.NextReady(); !waits || in != WriteSkew {
		t.Errorf("waits %s (%t) for a clock that is ahead, want %s", in, waits, WriteSkew)
	}
}
