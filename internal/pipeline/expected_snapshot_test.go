package pipeline

import (
	"fmt"
	"testing"
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

// TestBacklogIsIgnored expects signals from before a resynchronization to belong to
// earlier snapshots.
func TestBacklogIsIgnored(t *testing.T) {
	counts := func(at change.Position) bool { return at.Offset >= 10 }
	at := func(offset int64, e change.Event) change.Event {
		e.Position = change.Position{Partition: part0, Offset: offset}
		return e
	}
	record := change.Event{Snapshot: change.Incremental, Source: table}
	for _, end := range []change.Event{
		{Snapshot: change.LastInSnapshot, Source: table},
		{Notification: &change.SnapshotNotification{Ends: true, Time: 5}, Source: table},
		{Notification: &change.SnapshotNotification{Ends: true, Incremental: true, Time: 5}, Source: table},
	} {
		begins := change.Event{Notification: &change.SnapshotNotification{Begins: true, Time: 4, Incremental: end.Notification != nil && end.Notification.Incremental}}
		w := newWatch(t)
		w.setExpected([]ExpectedSnapshot{{Table: AllTables, IsCovered: counts}, {Table: table, IsCovered: counts}})
		for _, e := range []change.Event{at(7, begins), at(8, record), at(9, end)} {
			w.reads(e)
		}
		w.after(notificationGrace, true)
		w.is(fmt.Sprintf("a backlog with %+v", end), map[change.Table]Completion{})
		for _, e := range []change.Event{at(10, begins), at(11, record), at(12, end)} {
			w.reads(e)
		}
		w.after(notificationGrace, true)
		if how, complete := w.expected[table].checkComplete(0); !complete {
			t.Errorf("after %+v: %v %v", end, how, complete)
		}
	}
}

// TestSnapshotExpectation expects a run to have the state that earlier runs stored, and
// no state of a synchronization that has begun since.
func TestSnapshotExpectation(t *testing.T) {
	began := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	w := newWatch(t)
	w.setExpected([]ExpectedSnapshot{{Table: table, Since: began, Notified: true}})
	w.is("at once", map[change.Table]Completion{})
	w.after(notificationGrace, true)
	w.is("no record came any more", map[change.Table]Completion{table: Notified})
	w.setExpected([]ExpectedSnapshot{{Table: table, Since: began.Add(time.Hour)}})
	w.after(notificationGrace, true)
	w.is("begun anew", map[change.Table]Completion{})

	// A batch that was read before it began anew.
	b := &batch.Batch{Batch: change.Batch{Snapshots: map[change.Table]change.SnapshotProgress{table: {Since: began, Complete: string(LastRecord)}}}}
	w.applyBatchProgress(b)
	w.is("a batch of before", map[change.Table]Completion{})
}

// TestEndOfASnapshotThatBeganBefore expects the end of a snapshot not to count if some of
// its rows were read before the synchronization began.
func TestEndOfASnapshotThatBeganBefore(t *testing.T) {
	row := func(offset int64, lsn uint64, mark change.SnapshotPhase) change.Event {
		return change.Event{
			Snapshot: mark, Source: table, LSN: lsn, Time: change.Micros(lsn),
			Position: change.Position{Partition: part0, Offset: offset},
		}
	}
	counts := func(at change.Position) bool { return at.Offset >= 10 }
	for name, test := range map[string]struct {
		before change.SnapshotID
		reads  []change.Event
		want   bool
	}{
		"rows read before":       {change.SnapshotID{LSN: 50, Time: 50}, []change.Event{row(10, 50, change.LastInSnapshot)}, false},
		"rows in the backlog":    {change.SnapshotID{}, []change.Event{row(9, 50, change.InSnapshot), row(10, 50, change.LastInSnapshot)}, false},
		"the next snapshot":      {change.SnapshotID{LSN: 50, Time: 50}, []change.Event{row(10, 50, change.LastInSnapshot), row(11, 60, change.LastInSnapshot)}, true},
		"one of the same lsn":    {change.SnapshotID{LSN: 50, Time: 40}, []change.Event{row(10, 50, change.LastInSnapshot)}, true},
		"of a source set back":   {change.SnapshotID{LSN: 90, Time: 90}, []change.Event{row(10, 50, change.LastInSnapshot)}, true},
		"streamed before":        {change.SnapshotID{}, []change.Event{row(9, 50, change.Streamed), row(10, 50, change.LastInSnapshot)}, true},
		"of a source without it": {change.SnapshotID{}, []change.Event{row(9, 0, change.InSnapshot), row(10, 0, change.LastInSnapshot)}, true},
	} {
		for _, together := range []bool{true, false} {
			w := newWatch(t)
			w.setExpected([]ExpectedSnapshot{{Table: AllTables, IsCovered: counts, PreviousSnapshot: test.before}, {Table: table, IsCovered: counts, PreviousSnapshot: test.before}})
			if together {
				w.reads(test.reads...)
			} else {
				for _, e := range test.reads {
					w.reads(e)
				}
			}
			for snapshot, a := range w.expected {
				if _, complete := a.checkComplete(0); complete != test.want {
					t.Errorf("%s, in one batch %v: the snapshot of %s is complete: %v", name, together, snapshot, complete)
				}
			}
		}
	}
}
