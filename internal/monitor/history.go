package monitor

import (
	"context"
	"math"
	"sync"
	"time"

	"metadb/internal/status"
)

// The page's charts show an hour in so many points.
const (
	sampleInterval = 10 * time.Second
	samplesKept    = 360
)

// history keeps how many events a second each source has applied in the last
// hour. It is kept whether somebody looks or not: it costs a glance at the
// sources every ten seconds.
type history struct {
	sources *status.Registry

	mu     sync.Mutex
	at     time.Time
	series map[string]*series
}

// series is the history of one source.
type series struct {
	events int64
	rates  []float64
}

// run samples until ctx ends.
func (h *history) run(ctx context.Context) {
	ticker := time.NewTicker(sampleInterval)
	defer ticker.Stop()
	h.sample(time.Now())
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			h.sample(now)
		}
	}
}

// sample adds a point to each source's series, and forgets sources that are
// gone.
func (h *history) sample(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seconds := now.Sub(h.at).Seconds()
	next := make(map[string]*series)
	for _, r := range h.sources.Reports() {
		s, known := h.series[r.Name]
		switch {
		case !known:
			s = &series{}
		case r.Events >= s.events && seconds > 0:
			s.rates = append(s.rates, math.Round(float64(r.Events-s.events)/seconds*10)/10)
		}
		s.rates = s.rates[max(0, len(s.rates)-samplesKept):]
		s.events = r.Events
		next[r.Name] = s
	}
	h.at, h.series = now, next
}

// of returns a source's points, oldest first.
func (h *history) of(source string) []float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.series[source]; s != nil {
		return append([]float64{}, s.rates...)
	}
	return []float64{}
}
