package route

import (
	"reflect"
	"regexp"
	"testing"

	"metadb/internal/change"
)

func expressions(list ...string) (compiled []*regexp.Regexp) {
	for _, e := range list {
		compiled = append(compiled, regexp.MustCompile(e))
	}
	return compiled
}

func TestNames(t *testing.T) {
	plain := Config{}
	all := Config{MapPublicSchema: "notes", TrimSchemaPrefix: "t_", AddSchemaPrefix: "lib_"}
	origins := []string{"east", "east_side", "west"}
	for _, test := range []struct {
		config         Config
		source         string
		schema, origin string
	}{
		{plain, "library", "library", ""},
		{plain, "public", "public", ""},
		{plain, "mod_users", "users", ""},
		{plain, "mod_inventory_storage", "inventory", ""},
		{plain, "tenant_mod_circulation_storage", "tenant_circulation", ""},
		{plain, "a_mod_b_mod_c", "a_b_mod_c", ""},
		{plain, "east_mod_inventory_storage", "inventory", "east"},
		{plain, "east_side_mod_users", "users", "east_side"},
		{plain, "east_sidelong", "sidelong", "east"},
		{plain, "east", "east", ""},
		{plain, "eastern_users", "eastern_users", ""},
		{plain, "mod_west_users", "users", "west"},
		{all, "public", "notes", ""},
		{all, "t_library", "lib_library", ""},
		{all, "t_west_mod_users", "lib_users", "west"},
		{all, "x_t_library", "lib_x_t_library", ""},
	} {
		router := New(test.config)
		router.SetOrigins(origins)
		event := change.Event{Op: change.Upsert, Source: change.Table{Schema: test.source, Name: "T 1"}}
		router.Route(&event)
		want := change.Table{Schema: test.schema, Name: "T 1"}
		if event.Table != want || event.Origin != change.Origin(test.origin) || event.Op != change.Upsert {
			t.Errorf("%s: got %s of %q, want %s of %q", test.source, event.Table, event.Origin, want, test.origin)
		}
	}
}

func TestFilters(t *testing.T) {
	config := Config{
		SchemaPass: expressions("^mod_", "public"),
		SchemaStop: expressions("internal$"),
		TableStop:  expressions(`^mod_users\.tmp_`, `\.secret$`),
	}
	for _, test := range []struct {
		table change.Table
		want  change.Op
	}{
		{change.Table{Schema: "mod_users", Name: "users"}, change.Upsert},
		{change.Table{Schema: "a_public_b", Name: "t"}, change.Upsert},
		{change.Table{Schema: "library", Name: "t"}, change.Ignore},
		{change.Table{Schema: "mod_internal", Name: "t"}, change.Ignore},
		{change.Table{Schema: "mod_users", Name: "tmp_1"}, change.Ignore},
		{change.Table{Schema: "mod_users", Name: "secret"}, change.Ignore},
		{change.Table{Schema: "mod_users", Name: "secrets"}, change.Upsert},
	} {
		event := change.Event{Op: change.Upsert, Snapshot: change.LastInSnapshot, Source: test.table}
		New(config).Route(&event)
		if event.Op != test.want {
			t.Errorf("%s: got %s, want %s", test.table, event.Op, test.want)
		}
		if event.Snapshot != change.LastInSnapshot {
			t.Errorf("%s: the mark is lost", test.table)
		}
	}
}

// TestDropKeepsTheMoment expects a dropped event to keep its snapshot mark, time, lsn and
// txId: the last record of a snapshot ends it even if its table is excluded, provided that
// lsn and txId are those of the current attempt.
func TestDropKeepsTheMoment(t *testing.T) {
	said := change.Event{
		Snapshot: change.LastInSnapshot, FirstInSnapshot: true, Source: change.Table{Schema: "library", Name: "patron"},
		Time: 1, LSN: 2, Commit: 3, Tx: 4, CommittedAfter: 5, Partitions: 6, Position: change.Position{Offset: 7},
	}
	event := said
	event.Op, event.NoKey, event.Complete, event.Reason = change.Upsert, true, true, "primary key not defined"
	event.Shape, event.Row, event.OldKey, event.Omitted = &change.Shape{}, change.Row{0}, change.Row{0}, []int{0}
	event.Notes, event.Record = []change.Note{{}}, change.Record{Key: []byte("key")}
	New(Config{SchemaStop: expressions("library")}).Route(&event)
	if !reflect.DeepEqual(event, said) {
		t.Errorf("got  %+v\nwant %+v", event, said)
	}
}

func TestOriginsTakeEffectAtOnce(t *testing.T) {
	router := New(Config{})
	origin := func() change.Origin {
		event := change.Event{Op: change.Delete, Source: change.Table{Schema: "east_users", Name: "t"}}
		router.Route(&event)
		return event.Origin
	}
	if got := origin(); got != "" {
		t.Errorf("before: got %q", got)
	}
	router.SetOrigins([]string{"east"})
	if got := origin(); got != "east" {
		t.Errorf("after: got %q", got)
	}
}

func TestRecordsWithoutTable(t *testing.T) {
	event := change.Event{Op: change.Reject, Reason: "no envelope"}
	New(Config{SchemaPass: expressions("x")}).Route(&event)
	if event.Op != change.Reject || event.Table != (change.Table{}) {
		t.Errorf("got %+v", event)
	}
}
