package monitor

import (
	"slices"
	"testing"
	"time"

	"metadb/internal/observe/status"
)

func TestHistory(t *testing.T) {
	sources := &status.Registry{}
	h := &rateHistory{sources: sources}
	now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	pass := func(events, lag int64) {
		sources.Source("library").Applied(events, 0, now)
		sources.Source("library").SetLag(lag)
		now = now.Add(sampleInterval)
		h.addSample(now)
	}
	of := func(source string) sourceSeries {
		all, _ := h.seriesSince(-1)
		return all[source]
	}
	pass(1000, 5) // the first sample has no rate
	pass(50, 7)
	pass(0, status.UnknownLag)
	if got := of("library"); !slices.Equal(got.Rates, []float64{5, 0}) || !slices.Equal(got.Lags, []int64{7, status.UnknownLag}) {
		t.Errorf("got %v", got)
	}
	if _, samples := h.seriesSince(-1); samples != 3 {
		t.Errorf("%d samples", samples)
	}
	if all, _ := h.seriesSince(3); all != nil {
		t.Errorf("nothing is new, but %v", all)
	}
	for range 2 * maxSamples {
		pass(10, 1)
	}
	if got := of("library"); len(got.Rates) != maxSamples || got.Rates[0] != 1 || len(got.Lags) != maxSamples {
		t.Errorf("%d and %d points, the first is %v", len(got.Rates), len(got.Lags), got.Rates[0])
	}
	sources.Remove("library")
	h.addSample(now.Add(sampleInterval))
	if got, _ := h.seriesSince(-1); len(got) != 0 {
		t.Errorf("of a source that is gone: %v", got)
	}
}

// BenchmarkSample measures the cost of a sample, which is taken every ten seconds.
func BenchmarkSample(b *testing.B) {
	sources := &status.Registry{}
	for _, name := range []string{"library", "sensor", "finance"} {
		sources.Source(name).Applied(1, 0, time.Now())
	}
	h := &rateHistory{sources: sources}
	for b.Loop() {
		h.addSample(time.Now())
	}
}
