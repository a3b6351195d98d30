package maintenance

import (
	"context"
	"fmt"
	"sync"
)

// Analyzer runs ANALYZE on the main tables of a source, because autovacuum does not analyze
// partitioned tables. It runs on request: the distribution of values changes most with a snapshot,
// and the statistics of the partitions, which autovacuum maintains, follow the stream.
// https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS
type Analyzer struct {
	database *Database
	wake     chan struct{}

	mu      sync.Mutex
	sources map[string]bool
}

// NewAnalyzer returns an analyzer without requests.
func NewAnalyzer(database *Database) *Analyzer {
	return &Analyzer{database: database, wake: make(chan struct{}, 1), sources: make(map[string]bool)}
}

// Request requests ANALYZE of a source's tables, after a snapshot is complete or endsync.
func (a *Analyzer) Request(source string) {
	a.mu.Lock()
	a.sources[source] = true
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default: // a run is requested already
	}
}

// Job returns the job.
func (a *Analyzer) Job() Job { return Job{Name: "analyze", Wake: a.wake, Run: a.analyzeRequested} }

func (a *Analyzer) takeRequests() map[string]bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	sources := a.sources
	a.sources = make(map[string]bool)
	return sources
}

// analyzeRequested analyzes the tables of the requested sources. Failures of single tables are logged.
func (a *Analyzer) analyzeRequested(ctx context.Context, pause func(context.Context) error) error {
	sources := a.takeRequests()
	for t := range a.database.Store.Snapshot().All() {
		if !sources[t.Source] || t.Fault != nil {
			continue
		}
		if err := pause(ctx); err != nil {
			return err
		}
		if _, err := a.database.Pool.Exec(ctx, "ANALYZE "+t.Main.SQL()); err != nil && ctx.Err() == nil {
			a.database.Logger.Warn(fmt.Sprintf("analyze table %s: %v", t.Main, err))
		}
	}
	return nil
}
