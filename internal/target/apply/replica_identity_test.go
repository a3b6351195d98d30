package apply_test

import (
	"testing"

	"metadb/internal/change"
)

// TestPublicationOfAllTables checks that a publication of all tables in the target database stops
// no table: existing ones, new ones, and new years of history.
func TestPublicationOfAllTables(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 10), put(2, "a", 10))
	if _, err := r.db.Pool.Exec(t.Context(), "CREATE PUBLICATION everything FOR ALL TABLES"); err != nil {
		t.Fatal(err)
	}
	item := func(e change.Event) change.Event {
		e.Table.Name, e.Source.Name = "item", "item"
		return e
	}
	again := func(events ...change.Event) {
		t.Helper()
		if _, err := r.try(events...); err != nil {
			r.apply(events...)
		}
	}
	const year = 366 * 24 * 3600
	again(put(1, "b", 20), item(put(1, "x", 20)))
	if out := r.apply(item(put(1, "y", 30)), del(2, 30), put(3, "n", year), put(3, "m", 2*year)); out.Rejected != 0 {
		t.Errorf("%+v", out)
	}
	again(overtakenTruncate(truncate(25)))
	if got, want := r.versions(), "1 a 10 20\n1 b 20 25\n2 a 10 25\n3 n 31622400 63244800\n3 m 63244800 -"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := r.rows("SELECT relreplident::text FROM pg_class WHERE oid IN ('library.patron'::regclass, 'library.item'::regclass)"); got != "f\nf" {
		t.Errorf("replica identities: %s", got)
	}
}

// TestNoPublication checks that tables get no replica identity without a publication.
func TestNoPublication(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 10))
	r.apply(put(1, "b", 20), del(1, 30))
	if got := r.rows("SELECT relreplident::text FROM pg_class WHERE oid = 'library.patron'::regclass"); got != "d" {
		t.Errorf("replica identity: %s", got)
	}
}
