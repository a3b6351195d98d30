package pipeline

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"metadb/internal/change"
)

// awaits has a pipeline await the snapshots of some tables.
func awaits(tables ...change.Table) func(*Config) {
	return func(c *Config) {
		c.Awaited, c.SnapshotDeadline = func() []Awaited { return all(tables...) }, time.Hour
	}
}

// all are snapshots of which nothing is known.
func all(tables ...change.Table) []Awaited {
	var snapshots []Awaited
	for _, table := range tables {
		snapshots = append(snapshots, Awaited{Table: table})
	}
	return snapshots
}

// TestLastMark: the mark counts, in a record that is filtered out too, only when
// everything is applied that the topics held, also what is in other partitions.
func TestLastMark(t *testing.T) {
	r := start(t, awaits(AllTables))
	r.source.ends = map[change.Partition]int64{part0: 1, part1: 2}
	marked := upsert(part0, 0, 1, 1)
	marked.Snapshot, marked.Op = change.LastInSnapshot, change.Ignore
	r.send(change.Delivery{
		Begun:  []change.Beginning{begin(part0, change.Mark{}), begin(part1, change.Mark{})},
		Events: []change.Event{marked},
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

// TestLastMarkGoesWithItsBatch: what is remembered of a snapshot's end commits
// with its rows.
func TestLastMarkGoesWithItsBatch(t *testing.T) {
	loan := change.Table{Schema: "library", Name: "loan"}
	for _, test := range []struct {
		awaited []change.Table
		mark    change.SnapshotMark
		want    map[change.Table]change.SnapshotNews
	}{
		{nil, change.LastInSnapshot, nil},
		{[]change.Table{AllTables}, change.LastInSnapshot, map[change.Table]change.SnapshotNews{AllTables: begins(string(LastRecord), true)}},
		{[]change.Table{AllTables}, change.LastInTable, map[change.Table]change.SnapshotNews{AllTables: begins("", false)}},
		{[]change.Table{table, loan}, change.LastInTable, map[change.Table]change.SnapshotNews{table: begins(string(LastRecord), false)}},
	} {
		r := start(t, awaits(test.awaited...))
		row := upsert(part0, 0, 5, 5)
		row.Snapshot = test.mark
		r.send(change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{})}, Events: []change.Event{row}})
		if b := r.batch(); !maps.Equal(b.Snapshots, test.want) {
			t.Errorf("awaited %v: got %v", test.awaited, b.Snapshots)
		}
		r.answer(nil)
		if slices.ContainsFunc(slices.Collect(maps.Values(test.want)), func(n change.SnapshotNews) bool { return n.Complete != "" }) {
			<-r.reporter.completed
		}
		_ = r.stop()
	}
}

// begins is the news that an attempt of a snapshot begins, at lsn 5.
func begins(complete string, last bool) change.SnapshotNews {
	return change.SnapshotNews{Complete: complete, Attempts: change.Attempts{Now: change.Attempt{LSN: 5, Time: 5}, Last: last}, Noted: true, Anew: true}
}

// watch is a clock over snapshots of all tables and of one.
type watch struct {
	t *testing.T
	snapshots
	clock time.Time
}

func newWatch(t *testing.T, tables ...change.Table) *watch {
	w := &watch{t: t, snapshots: newSnapshots(time.Hour), clock: time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)}
	w.looked = w.clock
	w.expect(all(tables...))
	return w
}

func (w *watch) after(d time.Duration, active bool) {
	w.clock = w.clock.Add(d)
	w.pass(w.clock, active)
}

// reads applies a batch of events.
func (w *watch) reads(events ...change.Event) {
	b := &batch{}
	for _, e := range events {
		e.Table = e.Source
		b.note(&e)
		b.Events = append(b.Events, e)
	}
	b.Snapshots = w.read(b)
	w.applied(b)
}

// is compares which snapshots are complete.
func (w *watch) is(when string, want map[change.Table]Completion) {
	w.t.Helper()
	got := make(map[change.Table]Completion)
	for name, a := range w.awaited {
		if how, complete := a.complete(w.deadline); complete {
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

// TestEndOfTables: what says the end of one table's snapshot says nothing about
// another's.
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
			[]change.Event{{Snapshot: change.InSnapshot, Source: table}, {Notice: &change.Notice{Ends: true}}},
			map[change.Table]Completion{AllTables: Notified},
		},
		{"a notification of a table", []change.Event{{Notice: &change.Notice{Ends: true, Incremental: true}, Source: loan}}, map[change.Table]Completion{loan: Notified}},
		{
			"a notification of an incremental snapshot",
			[]change.Event{{Snapshot: change.Incremental, Source: table}, {Notice: &change.Notice{Ends: true, Incremental: true}}},
			map[change.Table]Completion{},
		},
	} {
		w := newWatch(t, AllTables, table, loan)
		for _, e := range test.reads {
			w.reads(e)
		}
		w.after(notifiedGrace, true)
		w.is(test.name, test.want)
	}
}

// TestNotificationOvertakes: the last records may come after the notification.
func TestNotificationOvertakes(t *testing.T) {
	w := newWatch(t, table)
	w.reads(change.Event{Snapshot: change.Incremental, Source: table})
	w.reads(change.Event{Notice: &change.Notice{Ends: true, Incremental: true}, Source: table})
	for range 3 {
		w.after(notifiedGrace-time.Second, true)
		w.is("records may come", map[change.Table]Completion{})
		w.reads(change.Event{Snapshot: change.Incremental, Source: table})
	}
	w.after(notifiedGrace, true)
	w.is("none came any more", map[change.Table]Completion{table: Notified})
	if got := slices.Collect(maps.Keys(w.awaited)); len(got) != 1 {
		t.Errorf("awaited %v", got)
	}
}
