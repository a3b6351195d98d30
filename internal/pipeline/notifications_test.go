package pipeline

import (
	"maps"
	"testing"

	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

// notified returns a notification at an offset, with a time that grows with it.
func notified(offset int64, n change.SnapshotNotification, of change.Table) change.Event {
	if n.Time == 0 {
		n.Time = change.Micros(offset)
	}
	return change.Event{Notification: &n, Source: of, Position: change.Position{Partition: part0, Offset: offset}}
}

// TestEndOfWhatBeganBefore expects a notification of a snapshot's end to count only after
// a notification of its start, behind offset 10, where the synchronization began.
func TestEndOfWhatBeganBefore(t *testing.T) {
	var (
		begins      = change.SnapshotNotification{Begins: true}
		ends        = change.SnapshotNotification{Ends: true}
		incBegins   = change.SnapshotNotification{Begins: true, Incremental: true}
		incEnds     = change.SnapshotNotification{Ends: true, Incremental: true}
		waits       = change.SnapshotNotification{RemainingTables: []change.Table{table}, Incremental: true}
		othersWait  = change.SnapshotNotification{RemainingTables: []change.Table{loan}, Incremental: true}
		incEndsMore = change.SnapshotNotification{Ends: true, Incremental: true, RemainingTables: []change.Table{table}}
		early       = change.SnapshotNotification{Ends: true, Time: 11}
		late        = change.SnapshotNotification{Begins: true, Time: 12}
		all, one    = AllTables, table
		nothing     = map[change.Table]Completion{}
		ofTable     = map[change.Table]Completion{table: Notified}
		ofAll       = map[change.Table]Completion{AllTables: Notified}
	)
	elsewhere := func(e change.Event) change.Event {
		e.Position.Partition = part1
		return e
	}
	for name, test := range map[string]struct {
		reads   []change.Event
		want    map[change.Table]Completion
		earlier bool
	}{
		"an initial one":                          {[]change.Event{notified(10, begins, all), notified(11, ends, all)}, ofAll, false},
		"a table in it":                           {[]change.Event{notified(10, begins, all), notified(11, ends, one)}, ofTable, false},
		"a table of an incremental one":           {[]change.Event{notified(10, incBegins, all), notified(11, incEnds, one)}, ofTable, false},
		"the end of an incremental one":           {[]change.Event{notified(10, incBegins, all), notified(11, incEnds, all)}, nothing, false},
		"an initial one from before":              {[]change.Event{notified(9, begins, all), notified(11, ends, all)}, nothing, true},
		"an incremental one from before":          {[]change.Event{notified(9, incBegins, all), notified(11, incEnds, one)}, nothing, true},
		"a backlog":                               {[]change.Event{notified(8, incBegins, all), notified(9, incEnds, one), notified(10, incBegins, all)}, nothing, false},
		"another kind has begun":                  {[]change.Event{notified(10, begins, all), notified(11, incEnds, one)}, nothing, true},
		"another kind has begun, too":             {[]change.Event{notified(10, incBegins, all), notified(11, ends, all), notified(12, ends, one)}, nothing, true},
		"the one before, then the next":           {[]change.Event{notified(10, incEnds, one), notified(11, incBegins, all), notified(12, incEnds, one)}, ofTable, true},
		"the one before, and the next begins":     {[]change.Event{notified(10, ends, all), notified(11, begins, all)}, nothing, true},
		"the next has overtaken the one before":   {[]change.Event{elsewhere(notified(10, late, all)), notified(10, early, all)}, nothing, true},
		"in another partition, at the same time":  {[]change.Event{elsewhere(notified(3, late, all)), notified(12, ends, all)}, nothing, true},
		"in a partition that counts":              {[]change.Event{elsewhere(notified(12, late, all)), notified(12, ends, all)}, ofAll, false},
		"its turn comes later":                    {[]change.Event{notified(9, incBegins, all), notified(10, waits, all), notified(11, incEnds, one)}, ofTable, false},
		"its turn came before":                    {[]change.Event{notified(9, waits, all), notified(10, incEnds, one)}, nothing, true},
		"another's turn comes later":              {[]change.Event{notified(10, othersWait, all), notified(11, incEnds, one)}, nothing, true},
		"it is read twice, the first time before": {[]change.Event{notified(10, incEndsMore, loan), notified(11, incEnds, one)}, ofTable, false},
		"its own end does not begin it":           {[]change.Event{notified(10, incEndsMore, one)}, nothing, true},
	} {
		counts := func(at change.Position) bool { return at.Offset >= 10 }
		for _, how := range []string{"one batch", "batches", "a restart after each batch"} {
			w := newWatch(t)
			stored := map[change.Table]ExpectedSnapshot{AllTables: {Table: AllTables, IsCovered: counts}, table: {Table: table, IsCovered: counts}}
			expect := func() {
				w.setExpected([]ExpectedSnapshot{stored[AllTables], stored[table]})
			}
			expect()
			earlier := false
			read := func(events ...change.Event) {
				b := &batch.Batch{}
				for _, e := range events {
					e.Table = e.Source
					b.NoteEvent(&e)
				}
				b.Snapshots = w.observeBatch(b)
				earlier = len(w.applyBatchProgress(b)) > 0 || earlier
				for of, news := range b.Snapshots {
					known := stored[of]
					known.Notified = known.Notified || news.Notified
					known.StartedAt.Initial = max(known.StartedAt.Initial, news.StartedAt.Initial)
					known.StartedAt.Incremental = max(known.StartedAt.Incremental, news.StartedAt.Incremental)
					stored[of] = known
				}
			}
			if how == "one batch" {
				read(test.reads...)
			} else {
				for _, e := range test.reads {
					read(e)
					if how != "batches" {
						w.expected = map[change.Table]*expectation{}
						expect()
					}
				}
			}
			w.after(notificationGrace, true)
			w.is(name+", "+how, test.want)
			if how == "one batch" && maps.Equal(test.want, nothing) && earlier != test.earlier {
				t.Errorf("%s: told that an earlier one has ended: %v", name, earlier)
			}
		}
	}
}
