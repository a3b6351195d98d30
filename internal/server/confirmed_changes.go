package server

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// confirmedChanges deletes the confirmations of streamed changes when all earlier attempts of a
// snapshot have been read.
type confirmedChanges struct {
	mu sync.Mutex
	// last is the highest number at the time looked.
	last   int64
	looked time.Time
}

// confirmedChangesRetention is the minimum time for which they are kept after all records of the
// topics have been applied. It is far longer than a producer's delay in one of its partitions.
const confirmedChangesRetention = time.Hour

// pruneConfirmed deletes the confirmations up to last, if that was looked up at least
// confirmedChangesRetention ago, and looks it up again. The caller has applied all records of
// the topics.
func (c *confirmedChanges) pruneConfirmed(ctx context.Context, s *stream, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.looked) < confirmedChangesRetention || len(s.scope.currentScope().Targets()) == 0 {
		return
	}
	const remove = "DELETE FROM metadb.confirmed_change WHERE source_name = $1 AND number <= $2"
	const last = "SELECT coalesce(max(number), 0) FROM metadb.confirmed_change WHERE source_name = $1"
	_, err := s.pool.Exec(ctx, remove, s.startOptions.Name, c.last)
	if err == nil {
		err = s.pool.QueryRow(ctx, last, s.startOptions.Name).Scan(&c.last)
	}
	if err != nil {
		s.logger.Warn(fmt.Sprintf("source %q: forget what changes have confirmed: %v", s.startOptions.Name, err))
	}
	c.looked = now
}
