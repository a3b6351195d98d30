package monitor

import (
	"context"
	"math"
	"sync"
	"time"

	"metadb/internal/observe/status"
)

// The page's charts show an hour in this number of samples.
const (
	sampleInterval = 10 * time.Second
	maxSamples     = 360
)

// rateHistory records for the last hour how many events a second each source has applied, and its
// lag. It does so without viewers too: a sample of the sources every ten seconds costs little.
type rateHistory struct {
	sources *status.Registry

	mu     sync.Mutex
	at     time.Time
	series map[string]*sourceSeries
	// samples counts the samples taken.
	samples int
}

// sourceSeries is the history of one source, oldest sample first.
type sourceSeries struct {
	// events is the source's count of events at the last sample.
	events int64
	// Rates are in events a second, Lags in events, or status.UnknownLag.
	Rates []float64 `json:"rates"`
	Lags  []int64   `json:"lags"`
}

// runSampling takes samples until ctx ends.
func (h *rateHistory) runSampling(ctx context.Context) {
	ticker := time.NewTicker(sampleInterval)
	defer ticker.Stop()
	h.addSample(time.Now())
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			h.addSample(now)
		}
	}
}

// addSample adds a sample to each source's series, and removes the series of sources that do not
// exist any more.
func (h *rateHistory) addSample(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seconds := now.Sub(h.at).Seconds()
	next := make(map[string]*sourceSeries)
	for _, r := range h.sources.Reports() {
		s, known := h.series[r.Name]
		switch {
		case !known:
			s = &sourceSeries{Rates: []float64{}, Lags: []int64{}}
		case r.Events >= s.events && seconds > 0:
			s.Rates = append(s.Rates, math.Round(float64(r.Events-s.events)/seconds*10)/10)
			s.Lags = append(s.Lags, r.Lag)
		}
		surplus := max(0, len(s.Rates)-maxSamples)
		s.Rates, s.Lags = s.Rates[surplus:], s.Lags[surplus:]
		s.events = r.Events
		next[r.Name] = s
	}
	h.at, h.series = now, next
	h.samples++
}

// seriesSince returns the present series of every source, nil if the number of samples is still
// seen, and the number of samples.
func (h *rateHistory) seriesSince(seen int) (map[string]sourceSeries, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.samples == seen {
		return nil, seen
	}
	all := make(map[string]sourceSeries, len(h.series))
	for name, s := range h.series {
		all[name] = sourceSeries{Rates: append([]float64{}, s.Rates...), Lags: append([]int64{}, s.Lags...)}
	}
	return all, h.samples
}
