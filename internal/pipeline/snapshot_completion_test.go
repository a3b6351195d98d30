package pipeline

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

// awaits makes a pipeline expect the snapshots of some tables.
func awaits(tables ...change.Table) func(*Config) {
	return func(c *Config) {
		c.ExpectedSnapshots, c.SnapshotDeadline = func() []ExpectedSnapshot { return all(tables...) }, time.Hour
	}
}

// all returns expected snapshots without any state.
func all(tables ...change.Table) []ExpectedSnapshot {
	var snapshots []ExpectedSnapshot
	for _, table := range tables {
		snapshots = append(snapshots, ExpectedSnapshot{Table: table})
	}
	return snapshots
}

// TestLastMark expects the mark, even in an excluded record, to count only when all records
// that the topics had are applied, in other partitions too.
func TestLastMark(t *testing.T) {
	r := start(t, awaits(AllTables))
	r.source.ends = map[change.Partition]int64{part0: 1, part1: 2}
	marked := upsert(part0, 0, 1, 1)
	marked.Snapshot, marked.Op = change.LastInSnapshot, change.Ignore
	r.send(change.Delivery{
		Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(part1, change.PartitionProgress{})},
		Events:   []change.Event{marked},
	})
	for offset := range int64(2) {
		select {
		case how := <-r.reporter.completed:
			t.Fatalf("complete (%v) although %s is not applied", how, part1)
		default:
		}
		row := upsert(part1, offset, 1, 1)
		row.Snapshot = change.InSnapshot
		r.send(change.Delivery{Events: []change.Event{row}})
		if b := r.batch(); len(b.Spans) != int(offset)+1 {
			t.Errorf("batch %d: got spans %+v", offset, b.Spans)
		}
		r.answer(nil)
	}
	if got := <-r.reporter.completed; got != (completion{AllTables, LastRecord}) {
		t.Errorf("got %v", got)
	}
	_ = r.stop()
	const line = `source \"sensor\" snapshot complete (last record received); consider running \"metadb endsync\"`
	if !strings.Contains(r.log.String(), line) {
		t.Errorf("the log lacks %s: %s", line, r.log)
	}
}

// TestLastMarkGoesWithItsBatch expects the state of a snapshot's end to commit with its
// rows.
func TestLastMarkGoesWithItsBatch(t *testing.T) {
	loan := change.Table{Schema: "library", Name: "loan"}
	for _, test := range []struct {
		awaited []change.Table
		mark    change.SnapshotPhase
		want    map[change.Table]change.SnapshotProgress
	}{
		{nil, change.LastInSnapshot, nil},
		{[]change.Table{AllTables}, change.LastInSnapshot, map[change.Table]change.SnapshotProgress{AllTables: begins(string(LastRecord), true)}},
		{[]change.Table{AllTables}, change.LastInTable, map[change.Table]change.SnapshotProgress{AllTables: begins("", false)}},
		{[]change.Table{table, loan}, change.LastInTable, map[change.Table]change.SnapshotProgress{table: begins(string(LastRecord), false)}},
	} {
		r := start(t, awaits(test.awaited...))
		row := upsert(part0, 0, 5, 5)
		row.Snapshot = test.mark
		r.send(change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{})}, Events: []change.Event{row}})
		if b := r.batch(); !maps.Equal(b.Snapshots, test.want) {
			t.Errorf("awaited %v: got %v", test.awaited, b.Snapshots)
		}
		r.answer(nil)
		if slices.ContainsFunc(slices.Collect(maps.Values(test.want)), func(n change.SnapshotProgress) bool { return n.Complete != "" }) {
			<-r.reporter.completed
		}
		_ = r.stop()
	}
}

// begins returns the progress of a new attempt of a snapshot, at lsn 5.
func begins(complete string, last bool) change.SnapshotProgress {
	return change.SnapshotProgress{Complete: complete, Attempts: change.Attempts{Current: change.Attempt{LSN: 5, Time: 5}, Last: last}, AttemptsChanged: true, NewAttempt: true}
}

// watchTest is a clock over snapshots of all tables and of one.
type watchTest struct {
	t *testing.T
	snapshotWatch
	clock time.Time
}

func newWatch(t *testing.T, tables ...change.Table) *watchTest {
	w := &watchTest{t: t, snapshotWatch: newSnapshotWatch(time.Hour), clock: time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)}
	w.lastCheck = w.clock
	w.setExpected(all(tables...))
	return w
}

func (w *watchTest) after(d time.Duration, active bool) {
	w.clock = w.clock.Add(d)
	w.advanceTime(w.clock, active)
}

// reads applies a batch of events.
func (w *watchTest) reads(events ...change.Event) {
	b := &batch.Batch{}
	for _, e := range events {
		e.Table = e.Source
		b.NoteEvent(&e)
		b.Events = append(b.Events, e)
	}
	b.Snapshots = w.observeBatch(b)
	w.applyBatchProgress(b)
}

// is compares the complete snapshots with the expected ones.
func (w *watchTest) is(when string, want map[change.Table]Completion) {
	w.t.Helper()
	got := make(map[change.Table]Completion)
	for name, a := range w.expected {
		if how, complete := a.checkComplete(w.deadline); complete {
			got[name] = how
		}
	}
	if !maps.Equal(got, want) {
		w.t.Errorf("%s: got %v, want %v", when, got, want)
	}
}

func TestDeadline(t *testing.T) {
	w := newWatch(t, AllTables, table)
	other := change.Event{Snapshot: change.InSnapshot, Source: change.Table{Schema: "library", Name: "loan"}}
	none := map[change.Table]Completion{}
	w.is("at once", none)
	w.after(59*time.Minute, true)
	w.reads(other)
	w.after(59*time.Minute, true)
	w.reads(change.Event{Source: table})
	w.is("snapshot records of another table came", map[change.Table]Completion{table: Deadline})
	w.after(time.Hour, false)
	w.is("the stream was not active", map[change.Table]Completion{table: Deadline})
	w.after(time.Minute, true)
	w.is("after an hour", map[change.Table]Completion{AllTables: Deadline, table: Deadline})
}

// TestEndOfTables expects the end of one table's snapshot not to end another's.
func TestEndOfTables(t *testing.T) {
	loan := change.Table{Schema: "library", Name: "loan"}
	for _, test := range []struct {
		name  string
		reads []change.Event
		want  map[change.Table]Completion
	}{
		{"last of a table", []change.Event{{Snapshot: change.LastInTable, Source: table}}, map[change.Table]Completion{table: LastRecord}},
		{
			"last of all, in a table",
			[]change.Event{{Snapshot: change.LastInSnapshot, Source: table}},
			map[change.Table]Completion{table: LastRecord, AllTables: LastRecord},
		},
		{
			"a notification of all",
			[]change.Event{{Snapshot: change.InSnapshot, Source: table}, {Notification: &change.SnapshotNotification{Ends: true}}},
			map[change.Table]Completion{AllTables: Notified},
		},
		{"a notification of a table", []change.Event{{Notification: &change.SnapshotNotification{Ends: true, Incremental: true}, Source: loan}}, map[change.Table]Completion{loan: Notified}},
		{
			"a notification of an incremental snapshot",
			[]change.Event{{Snapshot: change.Incremental, Source: table}, {Notification: &change.SnapshotNotification{Ends: true, Incremental: true}}},
			map[change.Table]Completion{},
		},
	} {
		w := newWatch(t, AllTables, table, loan)
		for _, e := range test.reads {
			w.reads(e)
		}
		w.after(notificationGrace, true)
		w.is(test.name, test.want)
	}
}

// TestNotificationOvertakes expects the last records after the notification to count.
func TestNotificationOvertakes(t *testing.T) {
	w := newWatch(t, table)
	w.reads(change.Event{Snapshot: change.Incremental, Source: table})
	w.reads(change.Event{Notification: &change.SnapshotNotification{Ends: true, Incremental: true}, Source: table})
	for range 3 {
		w.after(notificationGrace-time.Second, true)
		w.is("records may come", map[change.Table]Completion{})
		w.reads(change.Event{Snapshot: change.Incremental, Source: table})
	}
	w.after(notificationGrace, true)
	w.is("none came any more", map[change.Table]Completion{table: Notified})
	if got := slices.Collect(maps.Keys(w.expected)); len(got) != 1 {
		t.Errorf("awaited %v", got)
	}
}
