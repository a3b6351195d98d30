package resync_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"metadb/internal/change"
	"metadb/internal/resync"
	"metadb/internal/target/catalog"
)

const (
	beginQuestion = `End synchronization process for data source "sensor"? `
	incomplete    = `the snapshot of data source "sensor" is not known to be complete`
)

// filled returns a rig in resync mode with three tables of ten rows each. Two rows of loan and
// two of patron are unconfirmed, and all of tag are confirmed.
func filled(t *testing.T) *rig {
	r := newRig(t)
	var events []change.Event
	for id := range int32(10) {
		for _, table := range []string{"loan", "patron", "tag"} {
			events = append(events, put(table, id, "a", 1000))
		}
	}
	r.apply(events...)
	r.exec("UPDATE metadb.source SET sync = 0")
	r.sync()
	events = nil
	for id := range int32(10) {
		events = append(events, confirm(put("tag", id, "a", 2000)))
		if id >= 2 {
			// One has changed meanwhile.
			events = append(events, confirm(put("loan", id, "a", 2000)), confirm(put("patron", id, fmt.Sprint(id/9), 2000)))
		}
	}
	r.apply(events...)
	r.exec("UPDATE metadb.resync SET complete = 'last record received'")
	return r
}

// ended returns the query for the versions that ended later than any event.
func ended(table string) string {
	return "SELECT id, extract(epoch FROM __start)::bigint, __end > now() - interval '1 hour' FROM library." + table +
		"__ WHERE NOT __current AND __end > '2000-01-01' ORDER BY id"
}

func TestEndsyncEndsWhatWasNotConfirmed(t *testing.T) {
	r := filled(t)
	ids := r.rows("SELECT __id FROM library.patron WHERE id < 2 ORDER BY 1")
	f := &scriptedPrompter{}
	var told []string
	f.progress = func(table change.Table, done, total int64) {
		told = append(told, fmt.Sprintf("%s %d/%d", table, done, total))
	}
	counts, err := resync.Endsync(t.Context(), r.conn, f, resync.EndsyncOptions{Target: sensor, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f.heard(t, beginQuestion)
	if got := fmt.Sprint(told); got != "[library.loan 2/4 library.patron 4/4]" {
		t.Errorf("progress %s", got)
	}
	if got := showCounts(counts); got != "[{library.loan 10 8} {library.patron 10 8} {library.tag 10 10}]" {
		t.Errorf("counts %s", got)
	}
	for _, table := range []string{"loan", "patron"} {
		r.expect(ended(table), "0 1000 true\n1 1000 true")
		r.expect("SELECT count(*) FROM library."+table, "8")
	}
	r.expect(ended("tag"), "")
	r.expect("SELECT count(DISTINCT __end) FROM (SELECT __end FROM library.loan__ UNION ALL SELECT __end FROM library.patron__) v WHERE __end BETWEEN '2000-01-01' AND '9000-01-01'", "1")
	if now := r.rows("SELECT __id FROM library.patron__ WHERE id < 2 ORDER BY 1"); now != ids {
		t.Errorf("ids were %s and are %s", ids, now)
	}
	r.expect("SELECT sync FROM metadb.source", "0")
	r.expect("SELECT count(*) FROM metadb.resync", "0")
	r.expect("SELECT (SELECT count(*) FROM library.zzz___tag___sync) + (SELECT count(*) FROM library.zzz___patron___sync)", "0")
	r.expect("SELECT table_name FROM metadb.target_table WHERE last_end > now() - interval '1 hour' ORDER BY 1", "loan\npatron")
	r.expect("SELECT next_maintenance_time > now() - interval '1 minute' FROM metadb.maintenance", "true")

	// The stream continues: a row that comes back is a new version, which begins at the end of
	// the last one or later.
	r.restart()
	r.apply(put("patron", 0, "a", 3000))
	r.expect("SELECT count(*), bool_and(__end <= coalesce(next, 'infinity')) FROM (SELECT __end, lead(__start) OVER (ORDER BY __start, __id) AS next FROM library.patron__ WHERE id = 0) v", "2 true")
}

// TestEndsyncInterrupted interrupts the command after each table, lets the stream run, and runs
// the command again.
func TestEndsyncInterrupted(t *testing.T) {
	for after := 1; after <= 2; after++ {
		t.Run(fmt.Sprintf("after %d tables", after), func(t *testing.T) {
			r := filled(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f := &scriptedPrompter{}
			n := 0
			f.progress = func(change.Table, int64, int64) {
				if n++; n == after {
					cancel()
				}
			}
			o := resync.EndsyncOptions{Target: sensor, Logger: slog.New(slog.DiscardHandler)}
			if _, err := resync.Endsync(ctx, r.conn, f, o); !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			r.expect("SELECT sync FROM metadb.source", "2")
			at := r.rows("SELECT endsync_time FROM metadb.resync")
			r.restart()
			r.apply(confirm(put("patron", 20, "new", 4000)))
			r.reconnect()
			if _, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, o); err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"loan", "patron"} {
				r.expect(ended(table), "0 1000 true\n1 1000 true")
				r.expect("SELECT DISTINCT __end FROM library."+table+"__ WHERE id < 2", at)
			}
			r.expect("SELECT v FROM library.patron WHERE id = 20", "new")
			r.expect("SELECT sync FROM metadb.source", "0")
			if _, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, o); !errors.Is(err, resync.ErrNotInSync) {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

func TestEndsyncNeverEndsBeforeTheStart(t *testing.T) {
	r := filled(t)
	future := change.Micros(time.Now().Add(48 * time.Hour).Unix())
	r.apply(put("loan", 0, "later", future))
	if _, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, resync.EndsyncOptions{Target: sensor, Force: true}); err != nil {
		t.Fatal(err)
	}
	r.expect("SELECT __end = __start FROM library.loan__ WHERE id = 0 AND v = 'later'", "true")
	r.expect("SELECT last_end > now() FROM metadb.target_table WHERE table_name = 'loan'", "true")
}

func TestEndsyncDryRunChangesNothing(t *testing.T) {
	r := filled(t)
	dump := "SELECT tableoid::regclass::text, * FROM library.loan__ ORDER BY __id"
	before := r.rows(dump) + r.rows("SELECT * FROM metadb.resync")
	f := &scriptedPrompter{}
	counts, err := resync.Endsync(t.Context(), r.conn, f, resync.EndsyncOptions{Target: sensor, DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	f.heard(t)
	if got := showCounts(counts); got != "[{library.loan 10 8} {library.patron 10 8} {library.tag 10 10}]" {
		t.Errorf("counts %s", got)
	}
	if after := r.rows(dump) + r.rows("SELECT * FROM metadb.resync"); after != before {
		t.Errorf("was\n%s\nis\n%s", before, after)
	}
	r.expect("SELECT sync FROM metadb.source", "2")
}

// TestEndsyncAsksAgain checks that the second question is put above 20 %, also with --force.
func TestEndsyncAsksAgain(t *testing.T) {
	const (
		warning  = "WARNING: 23.3 % of the current rows (7 of 30) HAVE NOT BEEN CONFIRMED and would be ended"
		question = `End 7 unconfirmed rows of data source "sensor"? `
		table    = "table library.loan: 50.0 % of the current rows (5 of 10) have not been confirmed"
	)
	for name, test := range map[string]struct {
		o    resync.EndsyncOptions
		no   string
		err  error
		kept bool
		said []string
	}{
		"yes and yes":       {said: []string{table, beginQuestion, warning, question}},
		"yes and no":        {no: "7 unconfirmed", err: resync.ErrDeclined, said: []string{table, beginQuestion, warning, question}},
		"no":                {no: "End synchronization", err: resync.ErrDeclined, said: []string{table, beginQuestion}},
		"force":             {o: resync.EndsyncOptions{Force: true}, said: []string{table, warning, question}},
		"force unconfirmed": {o: resync.EndsyncOptions{ForceUnconfirmed: true}, said: []string{table, beginQuestion, warning}},
		"dry run":           {o: resync.EndsyncOptions{DryRun: true}, kept: true, said: []string{table, warning}},
		"both":              {o: resync.EndsyncOptions{Force: true, ForceUnconfirmed: true}, said: []string{table, warning}},
	} {
		t.Run(name, func(t *testing.T) {
			r := filled(t)
			r.exec("DELETE FROM library.zzz___loan___sync WHERE __id IN (SELECT __id FROM library.loan WHERE id BETWEEN 2 AND 4)")
			f := &scriptedPrompter{no: test.no}
			test.o.Target = sensor
			if _, err := resync.Endsync(t.Context(), r.conn, f, test.o); !errors.Is(err, test.err) {
				t.Fatalf("got %v", err)
			}
			f.heard(t, test.said...)
			if test.err != nil || test.kept {
				r.expect("SELECT endsync_time IS NULL FROM metadb.resync", "true")
				r.expect("SELECT count(*) FROM library.loan", "10")
				return
			}
			r.expect("SELECT count(*) FROM library.loan", "5")
		})
	}
}

// TestEndsyncWithoutTerminal checks that the error names the option that is needed.
func TestEndsyncWithoutTerminal(t *testing.T) {
	r := filled(t)
	r.exec("TRUNCATE library.zzz___loan___sync")
	o := resync.EndsyncOptions{Target: sensor}
	for _, want := range []string{
		"no terminal is attached to answer a question: use --force",
		"many rows have not been confirmed: 18 of 30 rows confirmed; no terminal is attached to answer whether they should end: use --force-unconfirmed",
	} {
		if _, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{away: true}, o); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		o.Force = true
	}
	r.expect("SELECT count(*) FROM library.loan", "10")
}

// TestEndsyncAtTwentyPercent checks that the second question is not put at the limit itself.
func TestEndsyncAtTwentyPercent(t *testing.T) {
	r := filled(t)
	r.exec("DELETE FROM library.zzz___loan___sync WHERE __id IN (SELECT __id FROM library.loan WHERE id BETWEEN 2 AND 3)")
	f := &scriptedPrompter{}
	if _, err := resync.Endsync(t.Context(), r.conn, f, resync.EndsyncOptions{Target: sensor}); err != nil {
		t.Fatal(err)
	}
	f.heard(t, "table library.loan: 40.0 % of the current rows (4 of 10) have not been confirmed", beginQuestion)
}

func TestEndsyncWarns(t *testing.T) {
	r := filled(t)
	r.exec("UPDATE metadb.resync SET complete = NULL")
	r.exec("TRUNCATE library.zzz___tag___sync")
	f := &scriptedPrompter{no: "End synchronization"}
	if _, err := resync.Endsync(t.Context(), r.conn, f, resync.EndsyncOptions{Target: sensor}); !errors.Is(err, resync.ErrDeclined) {
		t.Fatalf("got %v", err)
	}
	f.heard(t, incomplete, "no row has been confirmed in: library.tag (dropped at the source, or not in the connector's snapshot?)", beginQuestion)
}

func TestEndsyncRefusesRejected(t *testing.T) {
	r := filled(t)
	insert := func(offset int, table *string, unconfirmed bool, since string) {
		r.exec(`INSERT INTO metadb.rejected_event (source_name, topic, partition, "offset", schema_name, table_name, reason, unconfirmed, rejected_time)
			VALUES ('sensor', 't', 0, $1, CASE WHEN $2::text IS NOT NULL THEN 'library' END, $2, 'x', $3, now() + $4::text::interval)`, offset, table, unconfirmed, since)
	}
	patron := "patron"
	insert(1, &patron, true, "0")
	insert(2, &patron, true, "0")
	insert(3, nil, true, "0")
	insert(4, &patron, false, "0")
	insert(5, &patron, true, "-1 day")
	o := resync.EndsyncOptions{Target: sensor, Force: true}
	_, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, o)
	const told = "rejected events may have kept rows from being confirmed: 1 of unknown table, 2 of table library.patron"
	if err == nil || err.Error() != told+"; retry or purge them, or use --force-unconfirmed" {
		t.Fatalf("got %v", err)
	}
	r.expect("SELECT count(*) FROM library.patron", "10")
	o.ForceUnconfirmed = true
	f := &scriptedPrompter{}
	if _, err := resync.Endsync(t.Context(), r.conn, f, o); err != nil {
		t.Fatal(err)
	}
	f.heard(t, told)
	r.expect("SELECT count(*) FROM library.patron", "8")
}

// TestEndsyncRefusesRejectedMeanwhile rejects a record of unknown row during endsync. No table,
// nor the synchronization, ends after that until the record is purged or endsync is forced.
func TestEndsyncRefusesRejectedMeanwhile(t *testing.T) {
	const told = "rejected events may have kept rows from being confirmed: 1 of unknown table"
	for name, test := range map[string]struct {
		// before is the number of the running server's transaction before which the record
		// comes.
		before        int
		force         bool
		loans, patron string
		err           string
	}{
		"before the first table":  {before: 1, loans: "10", patron: "10", err: "end the unconfirmed rows of table library.loan: " + told},
		"before the second table": {before: 2, loans: "8", patron: "10", err: "end the unconfirmed rows of table library.patron: " + told},
		"before the end":          {before: 4, loans: "8", patron: "8", err: "end the synchronization: " + told},
		"forced":                  {before: 1, force: true, loans: "8", patron: "8"},
	} {
		t.Run(name, func(t *testing.T) {
			r := filled(t)
			store := catalog.NewStore()
			if err := store.Load(t.Context(), r.db.Pool); err != nil {
				t.Fatal(err)
			}
			calls := 0
			exclusive := func(do func() error) error {
				if calls++; calls == test.before {
					r.exec(`INSERT INTO metadb.rejected_event (source_name, topic, partition, "offset", reason, unconfirmed) VALUES ('sensor', 't', 0, 1, 'x', true)`)
				}
				return do()
			}
			o := resync.EndsyncOptions{
				Target: sensor, Force: true, ForceUnconfirmed: test.force, Logger: slog.New(slog.DiscardHandler),
				Server: &resync.RunningServer{Store: store, Exclusively: exclusive},
			}
			_, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, o)
			var doubt *resync.RiskError
			switch {
			case test.force && err == nil:
			case errors.As(err, &doubt) && doubt.Rejected && err.Error() == test.err+"; retry or purge them, or use --force-unconfirmed":
			default:
				t.Errorf("got %v", err)
			}
			r.expect("SELECT count(*) FROM library.loan", test.loans)
			r.expect("SELECT count(*) FROM library.patron", test.patron)
			r.exec("TRUNCATE metadb.rejected_event")
			if _, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, o); !test.force && err != nil {
				t.Errorf("when it is purged: %v", err)
			}
			r.expect("SELECT (SELECT count(*) FROM library.loan), (SELECT count(*) FROM library.patron), (SELECT sync FROM metadb.source)", "8 8 0")
		})
	}
}
