package history

import "metadb/internal/change"

// lastTime is the source's time of the last event of a table, 0 if there is none.
func (r *run) lastTime(t *target) change.Micros {
	if len(t.events) == 0 {
		return 0
	}
	return r.batch.Events[t.events[len(t.events)-1]].Time
}

// tally adds what has been done to a table since an earlier outcome to what is
// told of the table.
func (r *run) tally(table change.Table, before *change.Outcome, last change.Micros) {
	if r.tallies == nil {
		r.tallies = make(map[change.Table]change.Tally)
	}
	tally := r.tallies[table]
	tally.Written += r.outcome.Written - before.Written
	tally.Ended += r.outcome.Ended - before.Ended
	tally.Confirmed += r.outcome.Confirmed - before.Confirmed
	tally.ConfirmedByChange += r.outcome.ConfirmedByChange - before.ConfirmedByChange
	tally.Last = max(tally.Last, last)
	r.tallies[table] = tally
}
