package apply_test

import (
	"errors"
	"testing"

	"metadb/internal/change"
	"metadb/internal/target/apply"
)

// TestRowsThatAreGone checks the error of a table with rows that can't be ended because of a
// trigger: it names the table and concerns only that table.
func TestRowsThatAreGone(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 10), put(2, "a", 10))
	_, err := r.db.Pool.Exec(t.Context(), `
		CREATE FUNCTION library.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TRIGGER keep BEFORE DELETE ON library.patron FOR EACH ROW EXECUTE FUNCTION library.keep()`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.try(put(1, "b", 20), put(2, "b", 20))
	var named interface {
		Table() change.Table
		IsTableOnly() bool
	}
	if !errors.Is(err, apply.ErrRowGone) || !errors.As(err, &named) || named.Table() != patron || !named.IsTableOnly() {
		t.Fatalf("got %v", err)
	}
	if _, err := r.db.Pool.Exec(t.Context(), "DROP TRIGGER keep ON library.patron"); err != nil {
		t.Fatal(err)
	}
	r.apply(put(1, "b", 20), put(2, "b", 20))
	if got, want := r.versions(), "1 a 10 20\n1 b 20 -\n2 a 10 20\n2 b 20 -"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestUnsupportedStatement checks that a feature_not_supported error, raised here by a trigger,
// rejects no record.
func TestUnsupportedStatement(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 10))
	_, err := r.db.Pool.Exec(t.Context(), `
		CREATE FUNCTION library.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE feature_not_supported; END';
		CREATE TRIGGER refuse BEFORE INSERT ON library.patron FOR EACH ROW EXECUTE FUNCTION library.refuse()`)
	if err != nil {
		t.Fatal(err)
	}
	for _, events := range [][]change.Event{{put(1, "b", 20)}, {put(2, "b", 20), put(3, "b", 20)}} {
		if _, err := r.try(events...); err == nil {
			t.Error("a trigger is the fault of records")
		}
	}
	if got := r.rows("SELECT count(*) FROM metadb.rejected_event"); got != "0" {
		t.Errorf("%s events are rejected", got)
	}
}
