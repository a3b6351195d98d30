package tables_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/admin/tables"
	"metadb/internal/change"
	"metadb/internal/ident"
)

// stock creates two tables, one of them with two transformed tables, with a mapping, grants and
// rows in every table of the schema metadb that describes them.
func stock(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	id := column("id", change.Integer)
	b.table("patron", "", id, column("new column", change.Text))
	b.table("inventory", "", id, column("jsondata", change.JSONB))
	b.table("inventory__t", "inventory", id)
	b.table("inventory__tags", "inventory", id)
	for _, sql := range []string{
		"INSERT INTO metadb.transform_json (schema_name, table_name, column_name, path, map) VALUES ('library', 'inventory', 'jsondata', '$', 't'), ('library', 'inventory', 'jsondata', '$.tags', 'tags')",
		"INSERT INTO metadb.auth (username) VALUES ('anna')",
		`INSERT INTO metadb.acl (schema_name, object_name, object_type, privilege, user_name) VALUES ('library', 'patron__', 't', 'a', 'anna'),
			('library', 'inventory', 't', 'a', 'anna'), ('library', 'inventory__t__', 't', 'a', 'anna'), ('library', 'patron', 'f', 'a', 'anna')`,
		"INSERT INTO metadb.table_update (schema_name, table_name, last_update, elapsed_real_time) VALUES ('library', 'patron', now(), 1), ('library', 'inventory__t', now(), 1)",
		"UPDATE metadb.target_table SET mapped = 'x'",
		`INSERT INTO metadb.truncation (schema_name, table_name, origin, lsn, truncated_at, topic, partition)
			SELECT schema_name, table_name, '', 7, now(), 'metadb_1.library.x', 0 FROM metadb.target_table`,
		`INSERT INTO metadb.row_position (source_name, schema_name, table_name, topic, last_at, last_lsn, ids, lsns, times, again)
			SELECT 'sensor', schema_name, table_name, 'metadb_1.library.x', now(), 7, '{1}', '{7}', ARRAY[now()], '{f}' FROM metadb.target_table`,
		`INSERT INTO metadb.last_endsync (source_name, schema_name, table_name, ended_at, attempt_lsn, attempt_tx, attempt_time)
			SELECT 'sensor', schema_name, table_name, now(), 7, 7, now() FROM metadb.target_table`,
	} {
		if _, err := b.conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	return b
}

// TestDrop drops tables, and checks the remaining ones.
func TestDrop(t *testing.T) {
	t.Parallel()
	b := stock(t)
	tests := []struct {
		name   string
		tables []string
		// want is the result as text: tables, transformed tables, mappings, grants, parents.
		want string
		// left has the remaining tables, with a star where their transformed tables are known to be
		// complete.
		left []string
	}{
		{"one", []string{"patron"}, "[library.patron] [] 0 1 []", []string{"inventory*", "inventory__t*", "inventory__tags*"}},
		{"twice", []string{"patron", "patron"}, "[library.patron] [] 0 1 []", []string{"inventory*", "inventory__t*", "inventory__tags*"}},
		{
			"with transformed ones",
			[]string{"inventory"},
			"[library.inventory library.inventory__t library.inventory__tags] [library.inventory__t__ library.inventory__tags__] 2 2 []",
			[]string{"patron*"},
		},
		{"a transformed one", []string{"inventory__t"}, "[library.inventory__t] [] 0 1 [library.inventory__]", []string{"inventory", "inventory__tags*", "patron*"}},
		{
			"a transformed one and its parent",
			[]string{"inventory__t", "inventory"},
			"[library.inventory__t library.inventory library.inventory__tags] [library.inventory__tags__] 2 2 []",
			[]string{"patron*"},
		},
		{
			"all",
			[]string{"patron", "inventory"},
			"[library.patron library.inventory library.inventory__t library.inventory__tags] [library.inventory__t__ library.inventory__tags__] 2 3 []", nil,
		},
	}
	for _, test := range tests {
		b.try(t, test.name, func(t *testing.T) {
			dropped, err := tables.Drop(t.Context(), b.tx, b.catalog(), mains(test.tables))
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(dropped.Tables, dropped.Transformed, dropped.Mappings, dropped.Grants, dropped.Parents)
			if got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
			b.texts("SELECT table_name || CASE WHEN mapped = 'x' THEN '*' ELSE '' END FROM metadb.target_table ORDER BY table_name", test.left...)
			b.nothingLeft(dropped.Tables)
		})
	}
}

func mains(names []string) []ident.Qualified {
	list := make([]ident.Qualified, len(names))
	for i, name := range names {
		list[i] = main(name)
	}
	return list
}

// nothingLeft checks that the tables have no relation, and no row that describes them.
func (b *bench) nothingLeft(tables []change.Table) {
	b.t.Helper()
	for _, table := range tables {
		if b.catalog().Table(table) != nil {
			b.t.Errorf("%s is still there", table)
		}
		name := table.Name
		for _, relation := range []string{
			"base_table", "table_update", "transform_json", "target_table", "target_column", "table_feed", "truncation", "row_position", "last_endsync",
		} {
			b.texts("SELECT table_name FROM metadb." + relation + " WHERE table_name = '" + name + "'")
		}
		b.texts("SELECT object_name FROM metadb.acl WHERE object_type = 't' AND object_name IN ('" + name + "', '" + name + "__')")
		b.texts("SELECT relname FROM pg_class WHERE relnamespace = 'library'::regnamespace AND (relname = '" + name + "' OR relname ~ '^(zzz___)?" + name + "(___.*|__|___id_seq)?$')")
	}
	b.texts("SELECT object_name FROM metadb.acl WHERE object_type = 'f'", "patron")
}

// TestDropRefuses puts an obstacle in the way of the second of two tables.
func TestDropRefuses(t *testing.T) {
	t.Parallel()
	b := stock(t)
	tests := []struct {
		name, sql string
		tables    []string
		want      string
	}{
		{"no table", "", []string{"patron", "loan"}, "table 1 does not exist"},
		{"the current table", "", []string{"patron", "patron__"}, "table 1 does not exist"},
		{
			"in synchronization", "INSERT INTO metadb.resync (source_name, schema_name, table_name) VALUES ('sensor', 'library', 'inventory')",
			[]string{"patron", "inventory"},
			"table 1 is being synchronized",
		},
		{"a view", "CREATE VIEW public.report AS SELECT id FROM library.inventory__t", []string{"patron", "inventory"}, "2BP01"},
	}
	for _, test := range tests {
		b.try(t, test.name, func(t *testing.T) {
			if test.sql != "" {
				b.exec(test.sql)
			}
			_, err := tables.Drop(t.Context(), b.tx, b.catalog(), mains(test.tables))
			var refused *pgconn.PgError
			if errors.As(err, &refused) && refused.Code == test.want {
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}
