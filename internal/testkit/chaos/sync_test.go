package chaos

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"metadb/internal/change"
	"metadb/internal/testkit/testbed"
)

// whole is the target of a synchronization of all tables.
const whole = "data source torture"

// beginSync begins a resynchronization of some tables, with the server running or stopped.
func (w *environment) beginSync(target string, tables []*table) {
	w.t.Helper()
	if target == whole && w.random.IntN(3) == 0 {
		w.stop()
		if _, err := w.metadb.Run(w.t.Context(), "sync", "-D", "data", "--source", "torture", "--force"); err != nil {
			w.t.Fatal(err)
		}
		w.start()
	} else {
		w.admin("sync " + target)
	}
	for _, t := range tables {
		t.confirms = true
		w.source.oracle.BeginResync(w.source.target(t))
	}
}

// endSync ends the resynchronization; it tries again after the server or the command was
// killed.
func (w *environment) endSync(target string, tables []*table) {
	w.t.Helper()
	step := func() error { return w.endOnline(target) }
	if target == whole && w.random.IntN(3) == 0 {
		w.stop()
		defer w.start()
		step = w.endOffline
	}
	const over = "can only be used in" // the command has succeeded, and its result was lost
	err := testbed.Eventually(w.t.Context(), quietTime, "endsync "+target, func() error {
		if err := step(); err != nil && !strings.Contains(err.Error(), over) {
			return err
		}
		return nil
	})
	if err != nil {
		w.t.Fatalf("%v\nafter %v\n%s", err, strings.Join(w.trail, ", "), w.describe())
	}
	at := w.ended(tables)
	for _, t := range tables {
		t.confirms = false
		w.source.oracle.EndResync(w.source.target(t), change.Micros(at.UnixMicro()))
	}
	w.source.now = at
}

// endOnline runs endsync once with the server running; the server is killed in half of the
// cases.
func (w *environment) endOnline(target string) error {
	ended := make(chan error, 1)
	go func() { ended <- w.metadb.Exec(w.t.Context(), "endsync "+target+" with (force_unconfirmed)") }()
	if w.random.IntN(2) == 0 {
		w.pause(100 * time.Millisecond)
		w.kill()
		w.counts["kill -9 at endsync"]++
		w.start()
	}
	return <-ended
}

// endOffline runs the command endsync once; it is killed in half of the cases.
func (w *environment) endOffline() error {
	ctx := w.t.Context()
	if w.random.IntN(2) == 0 {
		limited, cancel := context.WithTimeout(ctx, time.Duration(w.random.IntN(300))*time.Millisecond)
		defer cancel()
		ctx = limited
		w.counts["endsync killed"]++
	}
	_, err := w.metadb.Run(ctx, "endsync", "-D", "data", "--source", "torture", "--force", "--force-unconfirmed")
	return err
}

// ended returns the time of endsync: that of all rows which ended after the source's clock, or
// the present time if no row did.
func (w *environment) ended(tables []*table) time.Time {
	w.t.Helper()
	var at time.Time
	if err := w.scan("SELECT now()", &at); err != nil {
		w.t.Fatal(err)
	}
	if !at.After(w.source.now) {
		w.t.Fatalf("the source's clock, %s, is ahead of the database's, %s", w.source.now, at)
	}
	for _, t := range tables {
		if w.source.oracle.Table(w.source.target(t)) == nil {
			continue
		}
		var last *time.Time
		sql := fmt.Sprintf("SELECT max(__end) FROM %s.%s__ WHERE NOT __current AND __end > '%s'", w.source.schema(), t.name, w.source.now.Format(time.RFC3339Nano))
		if err := w.scan(sql, &last); err != nil {
			w.t.Fatal(err)
		}
		if last != nil {
			at = *last
		}
	}
	return at
}

// compareWithSource compares the current rows with those of the source itself; by their keys
// alone if columns were altered after the snapshot.
func (w *environment) compareWithSource(tables []*table) {
	w.t.Helper()
	for _, t := range tables {
		if w.source.oracle.Table(w.source.target(t)) == nil {
			continue
		}
		column := "name"
		if t.altered {
			column = "none"
		}
		var want, got []string
		for _, id := range slices.Collect(maps.Keys(t.rows)) {
			name := t.rows[id]["name"]
			if name == nil || t.altered {
				name = "NULL"
			}
			want = append(want, fmt.Sprintf("%d %s", id, name))
		}
		sql := fmt.Sprintf("SELECT coalesce(array_agg(r.id || ' ' || coalesce(to_jsonb(r)->>'%s', 'NULL')), '{}') FROM %s.%s r", column, w.source.schema(), t.name)
		if err := w.scan(sql, &got); err != nil {
			w.t.Fatal(err)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			w.t.Fatalf("table %s has surplus rows:\n%s\nand lacks:\n%s\nafter %s", t.name, without(got, want), without(want, got), strings.Join(w.trail, ", "))
		}
	}
}
