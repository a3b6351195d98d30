package server

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// confirmedChanges forgets what streamed changes have confirmed, once no attempt of a
// snapshot that precedes them at the source can be unread any more.
type confirmedChanges struct {
	mu sync.Mutex
	// last is the number of the last one when that was looked up, at the time looked.
	last   int64
	looked time.Time
}

// confirmedChangesRetention is how long they are kept at least, after all that the topics held
// has been applied. It is far more than a producer may be late with one of its partitions.
const confirmedChangesRetention = time.Hour

// pruneConfirmed removes those that were there an interval ago; all that the topics hold is applied.
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
