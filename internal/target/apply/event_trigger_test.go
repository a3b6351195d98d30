package apply_test

import (
	"strings"
	"testing"
)

// TestEventTrigger checks that the error of a table includes the event trigger that prevents its
// schema change. A table that needs no DDL is applied.
func TestEventTrigger(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 10), put(2, "b", 10))
	_, err := r.db.Pool.Exec(t.Context(), `
		CREATE FUNCTION public.no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ask the administrators'; END $$;
		CREATE EVENT TRIGGER "no DDL" ON ddl_command_start EXECUTE FUNCTION public.no_ddl()`)
	if err != nil {
		t.Fatal(err)
	}
	r.applier, r.other = r.other, r.applier // a session that has no temporary tables yet
	r.apply(put(1, "c", 20), del(2, 20), put(1, "d", 30))
	r.apply(put(1, "d", 40), put(3, "e", 40))
	if got, want := r.versions(), "1 a 10 20\n1 c 20 30\n1 d 30 -\n2 b 10 20\n3 e 40 -"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := r.rows("SELECT count(*) FROM metadb.stage"); got != "0" {
		t.Errorf("%s rows are left in metadb.stage", got)
	}
	if got := strings.Count(r.log.String(), "metadb.stage is used instead"); got != 1 {
		t.Errorf("it is said %d times:\n%s", got, r.log)
	}
	other := put(1, "x", 20)
	other.Table.Name, other.Source.Name = "item", "item"
	_, err = r.try(other)
	if err == nil || !strings.Contains(err.Error(), "ask the administrators") || !strings.Contains(err.Error(), `"no DDL" (ddl_command_start, function public.no_ddl)`) {
		t.Errorf("got %v", err)
	}
	if _, err := r.db.Pool.Exec(t.Context(), `ALTER EVENT TRIGGER "no DDL" DISABLE`); err != nil {
		t.Fatal(err)
	}
	r.apply(other)
	if got := r.rows("SELECT id, v FROM library.item"); got != "1 x" {
		t.Errorf("got %s", got)
	}
}
