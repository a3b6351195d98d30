package route

import (
	"encoding/json"
	"testing"

	"metadb/internal/change"
	"metadb/internal/testkit/corpus"
)

// TestTenants routes the recorded events of a real connector for a database with
// the schemas of several tenants.
func TestTenants(t *testing.T) {
	router := New(Config{
		SchemaStop: expressions("^admin"), TableStop: expressions(`\.tmp_`),
		MapPublicSchema: "notes", AddSchemaPrefix: "folio_",
	})
	router.SetOrigins([]string{"east", "west"})
	type place struct {
		table  string
		origin change.Origin
	}
	want := map[string]place{
		"east_mod_inventory_storage.item":   {"folio_inventory.item", "east"},
		"west_mod_inventory_storage.item":   {"folio_inventory.item", "west"},
		"mod_users.users":                   {"folio_users.users", ""},
		"east_mod_circulation_storage.loan": {"folio_circulation.loan", "east"},
		"public.note":                       {"notes.note", ""},
	}
	seen := make(map[string]bool)
	for _, record := range corpus.Events(t, "filters_origins") {
		if record.Value == nil {
			continue
		}
		var value struct {
			Payload struct {
				Source struct{ Schema, Table string }
			}
		}
		if err := json.Unmarshal(record.Value, &value); err != nil {
			t.Fatal(err)
		}
		source := value.Payload.Source
		event := change.Event{Op: change.Upsert, Source: change.Table{Schema: source.Schema, Name: source.Table}}
		router.Route(&event)
		name := source.Schema + "." + source.Table
		seen[name] = true
		to, kept := want[name]
		switch {
		case !kept && event.Op != change.Ignore:
			t.Errorf("%s is not dropped", name)
		case kept && (event.Op != change.Upsert || place{event.Table.String(), event.Origin} != to):
			t.Errorf("%s: got %s %s of %q, want %+v", name, event.Op, event.Table, event.Origin, to)
		}
	}
	for _, name := range []string{"admin_internal.secret", "mod_users.tmp_1"} {
		if !seen[name] {
			t.Errorf("the corpus has no %s", name)
		}
	}
	for name := range want {
		if !seen[name] {
			t.Errorf("the corpus has no %s", name)
		}
	}
}
