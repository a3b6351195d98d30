package history_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/history"
	"metadb/internal/metaschema"
)

// TestRowsThatAreGone: a table whose rows don't end, here for a trigger made by
// hand, is named in the error, which says that it concerns that table alone.
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
		Apart() bool
	}
	if !errors.Is(err, history.ErrRowGone) || !errors.As(err, &named) || named.Table() != patron || !named.Apart() {
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

// inASCII puts the rig in a database whose encoding knows no characters.
func (r *rig) inASCII() {
	r.t.Helper()
	name := r.db.Name + "_ascii"
	if _, err := r.db.Pool.Exec(r.t.Context(), "CREATE DATABASE "+name+" ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = r.applier.Close(context.Background())
		if _, err := r.db.Pool.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			r.t.Error(err)
		}
	})
	r.db.ConnString = r.db.Cluster.URL(name)
	conn, err := r.connect(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = conn.Close(r.t.Context()) }()
	if err := metaschema.Ensure(r.t.Context(), conn, "test"); err != nil {
		r.t.Fatal(err)
	}
}

// TestUnsupportedValue: what PostgreSQL does not support of a value, here an
// escape that the encoding has no character for, sets the record aside, alone or
// among others, in a new table and in one that is known.
func TestUnsupportedValue(t *testing.T) {
	r := newRig(t)
	r.inASCII()
	document := &change.Shape{Columns: []change.Column{{Name: "id", Type: change.Integer}, {Name: "v", Type: change.JSONB}}, Key: []int{0}}
	with := func(id int32, text string, at change.Micros) change.Event {
		e := put(id, "", at)
		e.Shape, e.Row = document, change.AppendValue(cellInt(nil, id), append([]byte{1}, text...))
		return e
	}
	for _, batch := range [][]change.Event{
		{with(1, `{"a": "\u00e9"}`, 10)},
		{with(1, `{}`, 20), with(2, `["\u20ac"]`, 20), with(3, `[]`, 20)},
		{with(1, `["\u20ac"]`, 30)},
		{confirm(with(1, `[1]`, 40)), confirm(with(2, `["\u20ac"]`, 40)), confirm(with(3, `["\u20ac"]`, 40)), confirm(with(1, `[2]`, 50))},
	} {
		r.apply(batch...)
	}
	conn, err := r.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var versions, rejected, reason string
	err = conn.QueryRow(t.Context(), `
		SELECT (SELECT string_agg(id || ' ' || v || CASE WHEN __current THEN ' -' ELSE '' END, ', ' ORDER BY id, __start, __id) FROM library.patron__),
			(SELECT string_agg("offset"::text, ' ' ORDER BY "offset") FROM metadb.rejected_event WHERE kind = 'value'),
			(SELECT min(reason) FROM metadb.rejected_event)`).Scan(&versions, &rejected, &reason)
	if err != nil {
		t.Fatal(err)
	}
	if want := "1 {}, 1 [1], 1 [2] -, 3 [] -"; versions != want {
		t.Errorf("versions: got %s, want %s", versions, want)
	}
	if want := "0 3 6 9 10"; rejected != want {
		t.Errorf("rejected: got %s, want %s", rejected, want)
	}
	if !strings.Contains(reason, "SQL_ASCII") {
		t.Errorf("reason: %s", reason)
	}
}

// TestUnsupportedStatement: what PostgreSQL does not support of a table, here
// what a trigger made by hand says, is the fault of no record.
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
