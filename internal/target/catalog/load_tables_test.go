package catalog_test

import (
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
)

// That a loaded catalog equals the published one is shown where tables are
// made, in package ddl.

func TestLoadEmptyAndBroken(t *testing.T) {
	db := pgtest.New(t)
	conn, err := db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	store := catalog.NewStore()
	if err := store.Load(t.Context(), conn); err == nil || !strings.Contains(err.Error(), "load the catalog") {
		t.Errorf("without the system schema: got %v", err)
	}
	if err := metaschema.Ensure(t.Context(), conn.Conn(), "test"); err != nil {
		t.Fatal(err)
	}
	if err := store.Load(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	for table := range store.Snapshot().All() {
		t.Errorf("an empty database has table %s", table.Name)
	}
	_, err = conn.Exec(t.Context(), `
		CREATE TABLE public.a__ (__id bigint, m money) PARTITION BY LIST (__id);
		INSERT INTO metadb.base_table (schema_name, table_name, source_name) VALUES ('public', 'a', 'sensor');
		INSERT INTO metadb.target_table (schema_name, table_name, stored_schema, current_table, main_table, history_table, sync_table, key_columns)
			VALUES ('public', 'a', 'public', 'a', 'a__', 'zzz___a___', 'zzz___a___sync', '{m}')`)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Load(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	broken := store.Snapshot().Table(change.Table{Schema: "public", Name: "a"})
	if broken == nil || broken.Fault == nil || broken.Fault.Problem != catalog.Missing {
		t.Errorf("a main table alone: got %+v", broken)
	}
}
