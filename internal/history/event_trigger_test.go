package history_test

import (
	"strings"
	"testing"
)

// TestEventTrigger: an event trigger that raises is named in the error of the table
// that it keeps from being changed; a table that needs no DDL goes on.
func TestEventTrigger(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 10))
	_, err := r.db.Pool.Exec(t.Context(), `
		CREATE FUNCTION public.no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ask the administrators'; END $$;
		CREATE EVENT TRIGGER "no DDL" ON ddl_command_start EXECUTE FUNCTION public.no_ddl()`)
	if err != nil {
		t.Fatal(err)
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
