package server

import (
	"fmt"
	"sync"
	"time"

	"metadb/internal/change"
)

// incrementalSnapshots keeps, for each table, the time of the last row of an incremental
// snapshot.
type incrementalSnapshots struct {
	mu   sync.Mutex
	last map[change.Table]time.Time
}

// incrementalTimeout is the time after its last row in which an incremental snapshot counts as
// under way: its chunks follow one another.
const incrementalTimeout = time.Minute

// noteRows records the rows of incremental snapshots in an applied batch.
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

// underWayWarning returns a warning for the begin of a table's synchronization while an
// incremental snapshot may be under way, or "". Rows that it has read before do not confirm, and
// so its end does not complete the snapshot.
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
