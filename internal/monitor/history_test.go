package monitor

import (
	"slices"
	"testing"
	"time"

	"metadb/internal/status"
)

func TestHistory(t *testing.T) {
	sources := &status.Registry{}
	h := &history{sources: sources}
	now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	pass := func(events int64) {
		sources.Source("library").Applied(events, 0, now)
		now = now.Add(sampleInterval)
		h.sample(now)
	}
	pass(1000) // since when nobody knows
	pass(50)
	pass(0)
	if got, want := h.of("library"), []float64{5, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range 2 * samplesKept {
		pass(10)
	}
	if got := h.of("library"); len(got) != samplesKept || got[0] != 1 {
		t.Errorf("%d points, the first is %v", len(got), got[0])
	}
	sources.Remove("library")
	h.sample(now.Add(sampleInterval))
	if got := h.of("library"); len(got) != 0 {
		t.Errorf("of a source that is gone: %v", got)
	}
}
