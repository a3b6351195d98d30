package apply

import "metadb/internal/change"

// lastEventTime returns the source's time of the last event of a table, 0 without events.
func (r *batchTx) lastEventTime(t *tableState) change.Micros {
	if len(t.events) == 0 {
		return 0
	}
	return r.batch.Events[t.events[len(t.events)-1]].Time
}

// addTableStats adds the changes made in a table since an earlier outcome to its statistics.
func (r *batchTx) addTableStats(table change.Table, before *change.Outcome, last change.Micros) {
	if r.tableStats == nil {
		r.tableStats = make(map[change.Table]change.TableStats)
	}
	tally := r.tableStats[table]
	tally.Written += r.outcome.Written - before.Written
	tally.Ended += r.outcome.Ended - before.Ended
	tally.Confirmed += r.outcome.Confirmed - before.Confirmed
	tally.ConfirmedByChange += r.outcome.ConfirmedByChange - before.ConfirmedByChange
	tally.LastEventTime = max(tally.LastEventTime, last)
	r.tableStats[table] = tally
}
