package server

import (
	"fmt"
	"sync"
	"time"

	"metadb/internal/change"
)

// incrementalSnapshots keeps when rows of an incremental snapshot last came, for each table.
type incrementalSnapshots struct {
	mu   sync.Mutex
	last map[change.Table]time.Time
}

// incrementalTimeout is how long after its last row an incremental snapshot may still be
// under way: its chunks follow one another.
const incrementalTimeout = time.Minute

// noteRows notes rows in a batch that was applied.
func (i *incrementalSnapshots) noteRows(batch *change.Batch, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var noted change.Table
	for e := range batch.Events {
		event := &batch.Events[e]
		if event.Snapshot != change.Incremental || event.Table == noted {
			continue
		}
		if i.last == nil {
			i.last = make(map[change.Table]time.Time)
		}
		i.last[event.Table], noted = now, event.Table
	}
}

// underWayWarning says what is to be known before the synchronization of a table begins;
// empty if nothing is. What an incremental snapshot has read before does not confirm, and so its end does not
// count.
func (i *incrementalSnapshots) underWayWarning(table change.Table, now time.Time) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	last, known := i.last[table]
	if age := now.Sub(last); known && age < incrementalTimeout {
		return fmt.Sprintf("an incremental snapshot of table %s may be under way (its last row came %s ago): what it has read so far does not confirm, "+
			"and its end will not count; have the connector read the table again", table, age.Round(time.Second))
	}
	return ""
}
