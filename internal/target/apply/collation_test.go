package apply_test

import (
	"testing"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
)

// TestNondeterministicCollation checks that texts that are equal in the collation of a key column
// are one row, in one batch too. In another column they are different values.
func TestNondeterministicCollation(t *testing.T) {
	r := newRig(t)
	columns := []change.Column{{Name: "id", Type: change.Text}, {Name: "v", Type: change.Text}}
	named := func(key, v string, at change.Micros) change.Event {
		e := put(0, "", at)
		e.Shape, e.Row = &change.Shape{Columns: columns, Key: []int{0}}, cellText(cellText(nil, key), v)
		return e
	}
	gone := func(key string, at change.Micros) change.Event {
		e := del(0, at)
		e.Shape, e.Row = &change.Shape{Columns: columns[:1], Key: []int{0}}, cellText(nil, key)
		return e
	}
	r.apply(named("x", "a", 10))
	_, err := r.db.Pool.Exec(t.Context(), `
		CREATE COLLATION library.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
		ALTER TABLE library.patron__ ALTER COLUMN id TYPE text COLLATE library.loose, ALTER COLUMN v TYPE text COLLATE library.loose`)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.store.Load(t.Context(), r.db.Pool); err != nil {
		t.Fatal(err)
	}
	out := r.apply(
		named("X", "b", 20), named("x", "B", 30),
		named("y", "a", 20), named("Y", "b", 30), gone("y", 40),
		gone("z", 20), named("Z", "a", 30), gone("z", 40), named("z", "a", 50))
	if out.Rejected != 0 {
		t.Errorf("%+v", out)
	}
	if got, want := r.rows(`SELECT id COLLATE "C", v COLLATE "C", extract(epoch FROM __start)::bigint, __current FROM library.patron__ ORDER BY lower(id COLLATE "C"), __start, __id`),
		"x a 10 false\nX b 20 false\nx B 30 true\ny a 20 false\nY b 30 false\nZ a 30 false\nz a 50 true"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestNondeterministicCollationMapped checks that a key column with a nondeterministic collation is
// a fault of a table with transformed tables, even before its mappings have been applied:
// transformed rows would not be found by their keys.
func TestNondeterministicCollationMapped(t *testing.T) {
	r := newRig(t)
	columns := []change.Column{{Name: "id", Type: change.Text}, {Name: "v", Type: change.Text}}
	named := func(v string, at change.Micros) change.Event {
		e := put(0, "", at)
		e.Shape, e.Row = &change.Shape{Columns: columns, Key: []int{0}}, cellText(cellText(nil, "x"), v)
		return e
	}
	r.apply(named(`{"a": 1}`, 10))
	r.exec("INSERT INTO metadb.transform_json VALUES ('library', 'patron', 'v', '$', 't')")
	r.apply(named(`{"a": 2}`, 20))
	r.exec(`CREATE COLLATION library.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)
	r.exec(`ALTER TABLE library.patron__ ALTER COLUMN id TYPE text COLLATE library.loose`)
	r.reload()
	if fault := r.store.Snapshot().Table(patron).Fault; fault == nil || fault.Problem != catalog.ColumnCollation {
		t.Errorf("the table's fault is %v", fault)
	}
}
