package admission

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// digestInterval is the interval at which the counts are logged.
	digestInterval = time.Minute
	// digestLines is the number of events of a kind that are logged one by one in an interval.
	digestLines = 5
	// digestHosts bounds the addresses that are counted in an interval.
	digestHosts = 1000
)

// Kind is a kind of event. The number of kinds has to be small.
type Kind struct {
	// Label is the name in metrics.
	Label string
	// Plural is the name in a sentence with a count: "failed passwords".
	Plural string
}

// Digest logs the first events of each kind one by one, and counts the others; the counts are
// logged once a minute.
type Digest struct {
	// Subject begins each line: "administration port".
	Subject string
	Level   slog.Level
	Logger  *slog.Logger
	// Interval replaces the default of one minute, if it is not zero.
	Interval time.Duration

	mu     sync.Mutex
	totals map[string]int64
	kinds  map[Kind]*eventCount
}

// eventCount counts the events of a kind in an interval.
type eventCount struct {
	logged, more int
	// hosts counts the events that were not logged, by address.
	hosts map[string]int
}

// Note logs an event or counts it. host is the address of its client, empty if it has no client.
func (d *Digest) Note(kind Kind, host, line string) {
	if d.countEvent(kind, host) {
		d.Logger.Log(context.Background(), d.Level, d.Subject+": "+line)
	}
}

// countEvent counts an event. It reports whether the event is to be logged by itself.
func (d *Digest) countEvent(kind Kind, host string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kinds == nil {
		d.kinds, d.totals = make(map[Kind]*eventCount), make(map[string]int64)
	}
	d.totals[kind.Label]++
	c := d.kinds[kind]
	if c == nil {
		c = &eventCount{hosts: make(map[string]int)}
		d.kinds[kind] = c
	}
	if c.logged < digestLines {
		c.logged++
		return true
	}
	c.more++
	if _, known := c.hosts[host]; host != "" && (known || len(c.hosts) < digestHosts) {
		c.hosts[host]++
	}
	return false
}

// Totals returns the number of events of each kind so far, by label.
func (d *Digest) Totals() map[string]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.totals)
}

// Run logs the counts at each interval until ctx ends, and then the last ones.
func (d *Digest) Run(ctx context.Context) {
	interval := d.Interval
	if interval == 0 {
		interval = digestInterval
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			d.logCounts()
		case <-ctx.Done():
			d.logCounts()
			return
		}
	}
}

// logCounts logs the counts of the interval, if there are any, and resets them.
func (d *Digest) logCounts() {
	d.mu.Lock()
	kinds := d.kinds
	d.kinds = make(map[Kind]*eventCount)
	if d.totals == nil {
		d.totals = make(map[string]int64)
	}
	d.mu.Unlock()
	var parts []string
	for kind, c := range kinds {
		if c.more > 0 {
			parts = append(parts, c.describeCount(kind))
		}
	}
	if len(parts) == 0 {
		return
	}
	slices.Sort(parts)
	d.Logger.Log(context.Background(), d.Level, d.Subject+": not logged one by one in the last minute: "+strings.Join(parts, "; "))
}

// describeCount returns the count in words, with the address of the most events.
func (c *eventCount) describeCount(kind Kind) string {
	text := fmt.Sprintf("%d %s", c.more, kind.Plural)
	host, most := "", 0
	for h, n := range c.hosts {
		if n > most || n == most && h < host {
			host, most = h, n
		}
	}
	switch most {
	case 0:
		return text
	case c.more:
		return text + " from " + host
	}
	return fmt.Sprintf("%s, most of them (%d) from %s", text, most, host)
}
