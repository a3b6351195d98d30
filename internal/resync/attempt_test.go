package resync_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/resync"
)

// of returns an event as a record of an attempt; n is its lsn, its txId and its time in
// seconds.
func of(n int64, mark change.SnapshotPhase, e change.Event) change.Event {
	e.Snapshot, e.LSN, e.Tx, e.Time = mark, uint64(n), n, change.Micros(n)*1_000_000
	return e
}

// loans returns the rows of an attempt: the loans from an id on, the last one with a mark.
func loans(n int64, from int32, last change.SnapshotPhase) []change.Event {
	var events []change.Event
	for id := from; id < 10; id++ {
		events = append(events, of(n, change.InSnapshot, put("loan", id, "a", 0)))
	}
	events[len(events)-1].Snapshot = last
	return events
}

// resynchronizing returns a rig with loans 0 to 9 and a resynchronization that has begun.
func resynchronizing(t *testing.T) *rig {
	r := newRig(t)
	var events []change.Event
	for id := range int32(10) {
		events = append(events, put("loan", id, "a", 1000))
	}
	r.apply(events...)
	r.exec("UPDATE metadb.source SET sync = 0")
	r.sync()
	return r
}

// stream applies events as one batch, as a server does.
func (r *rig) stream(events ...change.Event) {
	r.t.Helper()
	scope, err := resync.LoadScope(r.t.Context(), r.db.Pool, "sensor")
	if err != nil {
		r.t.Fatal(err)
	}
	part := change.Partition{Topic: "metadb_sensor_2.library.loan"}
	for i := range events {
		events[i].Position = change.Position{Partition: part, Offset: r.streamed + int64(i)}
	}
	span := change.Span{Partition: part, Fresh: r.streamed == 0, From: change.PartitionProgress{Next: r.streamed}}
	r.streamed += int64(len(events))
	span.To.Next = r.streamed
	batch := &change.Batch{Source: "sensor", Events: events, Spans: []change.Span{span}}
	mark(batch, scope, true)
	if out, err := r.applier.Apply(r.t.Context(), batch); err != nil || out.Rejected > 0 {
		r.t.Fatalf("apply: %+v %v", out, err)
	}
}

// TestSamePairTwice has two attempts with one lsn and txId, which can't be separated. endsync
// refuses, and, if forced, ends the rows that are in neither.
func TestSamePairTwice(t *testing.T) {
	r := resynchronizing(t)
	first := loans(2000, 2, change.InSnapshot)
	first[0].FirstInSnapshot = true
	r.stream(first[:3]...)
	second := loans(2000, 3, change.LastInSnapshot)
	second[0].FirstInSnapshot = true
	r.stream(second...)
	o := resync.EndsyncOptions{Target: sensor, Force: true}
	_, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, o)
	var doubt *resync.RiskError
	if !errors.As(err, &doubt) || !doubt.NewSnapshot {
		t.Fatalf("got %v, want that a new snapshot is needed", err)
	}
	const want = "the connector has begun its snapshot twice with the same lsn (2000) and txId (2000), so that rows of the attempt that it gave up can't be told apart; " +
		"begin the synchronization again and take a new snapshot, or use --force-unconfirmed"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	r.expect("SELECT count(*) FROM library.loan", "10")
	r.expect("SELECT sync FROM metadb.source", "2")
	o.ForceUnconfirmed = true
	if _, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, o); err != nil {
		t.Fatal(err)
	}
	r.expect("SELECT min(id), count(*) FROM library.loan", "2 8")
}

// TestOldMarks has the marks of Debezium 1.9: "true" for records, and "last" for the last one.
func TestOldMarks(t *testing.T) {
	r := resynchronizing(t)
	r.stream(loans(2000, 0, change.InSnapshot)[:7]...)
	r.expect("SELECT complete IS NULL FROM metadb.resync", "true")
	r.stream(loans(3000, 1, change.LastInSnapshot)...)
	r.expect("SELECT complete, given_up_time = to_timestamp(2000) FROM metadb.resync", "last record received true")
	if _, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, resync.EndsyncOptions{Target: sensor, Force: true}); err != nil {
		t.Fatal(err)
	}
	r.expect("SELECT min(id), count(*) FROM library.loan", "1 9")
}

// TestEndsyncBesideDump has a session with the locks of pg_dump on all tables; they block
// neither endsync nor the next synchronization.
func TestEndsyncBesideDump(t *testing.T) {
	r := resynchronizing(t)
	r.stream(loans(2000, 0, change.InSnapshot)[:7]...)
	r.stream(loans(3000, 1, change.LastInSnapshot)...)
	dump, err := pgx.Connect(t.Context(), r.db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dump.Close(t.Context()) }()
	if _, err := dump.Exec(t.Context(), `BEGIN; DO $$ DECLARE t regclass; BEGIN
		FOR t IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace IN ('library'::regnamespace, 'metadb'::regnamespace) LOOP
			EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', t);
		END LOOP; END $$`); err != nil {
		t.Fatal(err)
	}
	o := resync.EndsyncOptions{Target: sensor, Force: true, LockTimeout: 100 * time.Millisecond}
	if _, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, o); err != nil {
		t.Fatal(err)
	}
	r.expect("SELECT min(id), count(*) FROM library.loan", "1 9")
	r.expect("SELECT sync FROM metadb.source", "0")
	r.sync()
	r.expect("SELECT count(*) FROM library.zzz___loan___sync", "0")
}

// TestRefusalIsShort checks that a refusal contains at most five names of tables.
func TestRefusalIsShort(t *testing.T) {
	r := newRig(t)
	var events []change.Event
	for _, table := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		for id := range int32(200) {
			events = append(events, put(table, id, "a", 1000))
		}
	}
	r.apply(events...)
	r.exec("UPDATE metadb.source SET sync = 0")
	r.sync()
	_, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{away: true}, resync.EndsyncOptions{Target: sensor, Force: true})
	var doubt *resync.RiskError
	if !errors.As(err, &doubt) {
		t.Fatalf("got %v", err)
	}
	if want := "the snapshot is not complete: 0 of 1,400 rows confirmed"; doubt.Message != want {
		t.Errorf("got %q, want %q", doubt.Message, want)
	}
	if want := "no row has been confirmed in: library.a, library.b, library.c, library.d, library.e and 2 more"; doubt.Detail != want {
		t.Errorf("got %q, want %q", doubt.Detail, want)
	}
}

// TestRowAfterEndsync writes rows of snapshots after endsync has ended them, with the values that
// they had, to a topic in which another partition has later changes: a row of the snapshot that
// counted, or of a later one, was read at the source and is current again. A row of an attempt that
// did not count stays ended, as does one that was deleted since.
func TestRowAfterEndsync(t *testing.T) {
	late := func(n int64, id int32) change.Event {
		e := of(n, change.InSnapshot, put("loan", id, "a", 0))
		e.Suspect = true
		return e
	}
	for _, test := range []struct {
		name  string
		event change.Event
		want  string
	}{
		{"of the attempt that counted", late(2000, 0), "true"},
		{"of a later one", late(2500, 0), "true"},
		{"of one that was given up", late(1500, 0), "false"},
		{"of one before the resynchronization", late(900, 0), "false"},
		{"a row that was confirmed", late(2000, 5), "false"},
	} {
		for _, retried := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, retried %t", test.name, retried), func(t *testing.T) {
				r := resynchronizing(t)
				r.stream(of(1500, change.InSnapshot, put("loan", 0, "a", 0)))
				r.stream(loans(2000, 2, change.LastInSnapshot)...)
				if _, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, resync.EndsyncOptions{Target: sensor, Force: true, ForceUnconfirmed: true}); err != nil {
					t.Fatal(err)
				}
				r.expect("SELECT min(id), count(*) FROM library.loan", "2 8")
				r.restart()
				if retried {
					if _, err := r.applier.Retry(t.Context(), []change.RejectedEvent{{ID: 1, Event: test.event}}); err != nil {
						t.Fatal(err)
					}
				} else {
					r.stream(test.event)
				}
				r.expect("SELECT EXISTS (SELECT FROM library.loan WHERE id < 2)", test.want)
				r.expect("SELECT bool_and(__start = previous) IS NOT false FROM (SELECT __start, lag(__end) OVER (PARTITION BY id ORDER BY __start, __id) AS previous, id FROM library.loan__) v WHERE previous IS NOT NULL", "true")
				r.expect("SELECT count(*) FROM library.loan WHERE id >= 2", "8")
			})
		}
	}
	t.Run("deleted since, in another partition", func(t *testing.T) {
		r := resynchronizing(t)
		r.stream(loans(2000, 2, change.LastInSnapshot)...)
		if _, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, resync.EndsyncOptions{Target: sensor, Force: true, ForceUnconfirmed: true}); err != nil {
			t.Fatal(err)
		}
		deleted := put("loan", 0, "a", 2100)
		deleted.Op, deleted.LSN, deleted.Partitions = change.Delete, 2100, 2
		r.restart()
		r.stream(deleted)
		r.stream(late(2000, 0), late(2000, 1))
		r.expect("SELECT min(id), count(*) FROM library.loan", "1 9")
	})
}
