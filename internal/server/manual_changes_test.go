package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"metadb/internal/testkit/eventgen"
)

// changedTable is a manual change and the streaming table that it changes.
type changedTable struct {
	manualChange
	name string
	feed *feed
	// changes counts the changes of its row.
	changes int
}

func (f *changedTable) in(sql string) string { return strings.ReplaceAll(sql, "$", f.name) }

// change writes the row anew.
func (f *changedTable) change() {
	f.changes++
	f.feed.change('u', 1, f.value(), "")
}

func (f *changedTable) value() string { return fmt.Sprintf("v%d", f.changes) }

// TestByHand applies manual changes to tables while others stream, cuts the connections and
// restarts the server. Each table is applied or is named in the status; no event is lost after
// the repair.
func TestByHand(t *testing.T) {
	i, patron := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, patron.source())
	patron.change('c', 1, "Ada", "")
	const group = 20
	for n := 0; n < len(manualChanges); n += group {
		r = r.tryManualChanges(t, n, manualChanges[n:min(n+group, len(manualChanges))], patron)
	}
}

// tryManualChanges applies forms to new tables, and returns the server that runs afterwards.
func (r *running) tryManualChanges(t *testing.T, first int, forms []manualChange, patron *feed) *running {
	t.Helper()
	tables := make([]*changedTable, len(forms))
	for n, form := range forms {
		name := fmt.Sprintf("f%02d", first+n)
		tables[n] = &changedTable{manualChange: form, name: name, feed: patron.another(eventgen.Table{
			Schema: "lib", Name: name, Key: []int{0},
			Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "name", Kind: eventgen.Text}},
		})}
		tables[n].change()
	}
	for _, f := range tables {
		r.awaitText(t, f.in("SELECT name FROM lib.$__ WHERE __current"), f.value())
	}
	for _, f := range tables {
		var key, name string
		const keySQL = "SELECT i.indexrelid::regclass::text, quote_ident(c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'lib.$'::regclass AND i.indisunique"
		if err := r.db.Pool.QueryRow(t.Context(), f.in(keySQL)).Scan(&key, &name); err != nil {
			t.Fatal(err)
		}
		f.sql = strings.NewReplacer("{key}", key, "{name}", name).Replace(f.sql)
		if _, err := r.db.Pool.Exec(t.Context(), f.in(f.sql)); err != nil {
			t.Fatalf("%s: %v", f.in(f.sql), err)
		}
	}
	r.expectChanged(t, "done", tables, patron)
	r.cutConnections(t)
	r.expectChanged(t, "connections cut", tables, patron)
	r.stop(t)
	r = r.start(t)
	r.expectChanged(t, "started again", tables, patron)
	for _, f := range tables {
		if f.mend == "" {
			continue
		}
		if _, err := r.db.Pool.Exec(t.Context(), f.in(f.mend)); err != nil {
			t.Fatalf("%s: %v", f.mend, err)
		}
	}
	for _, f := range tables {
		r.awaitText(t, f.in("SELECT name FROM lib.$__ WHERE __current"), f.value())
		if !f.made {
			r.awaitText(t, f.in("SELECT count(*)::text FROM lib.$__"), fmt.Sprint(f.changes))
		}
	}
	r.awaitState(t, "active", "")
	return r
}

// expectChanged changes each table, and another one. It waits until the other one is applied, and
// each table is applied or named in the status.
func (r *running) expectChanged(t *testing.T, when string, tables []*changedTable, patron *feed) {
	t.Helper()
	for _, f := range tables {
		f.change()
	}
	name := fmt.Sprintf("Eve %d", patron.lsn)
	patron.change('u', 1, name, "")
	began := time.Now()
	r.awaitText(t, current, "1="+name)
	t.Logf("%s: the other table goes on after %s", when, time.Since(began).Round(time.Millisecond))
	for _, f := range tables {
		r.await(t, f.in(f.sql), func() error {
			var got string
			err := r.db.Pool.QueryRow(t.Context(), f.in("SELECT coalesce((SELECT name FROM lib.$__ WHERE __current), 'no row')")).Scan(&got)
			rows := r.admin(t, "list status")
			waits := len(rows) == 1 && rows[0][2] == "error" && strings.Contains(rows[0][8]+" ", "lib."+f.name)
			switch {
			case f.mend == "" && err == nil && got == f.value():
				return nil
			case f.mend != "" && waits:
				return nil
			}
			return fmt.Errorf("%s: it has %s (%w), want %s; list status: %v", f.in(f.sql), got, err, f.value(), rows)
		})
	}
}

// cutConnections ends all connections of the server.
func (r *running) cutConnections(t *testing.T) {
	t.Helper()
	const sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'mdbadmin' AND datname = current_database()"
	if _, err := r.db.Pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
