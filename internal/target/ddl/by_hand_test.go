package ddl_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
)

// TestChangedByHand changes one table after the other by hand and loads the catalog: each table has
// its fault, and all are loaded.
func TestChangedByHand(t *testing.T) {
	b := newBench(t)
	// Statements are about table s.N, in which $ stands for N.
	cases := []struct {
		name, sql string
		// fault is a part of the fault's text, empty if the table has no fault.
		fault string
		// check looks at a table that has no fault.
		check func(*catalog.Table) bool
	}{
		{name: "nothing", sql: "SELECT 1", check: func(t *catalog.Table) bool { return t.UniqueKey && len(t.Columns) == 2 && len(t.UnmanagedColumns) == 0 }},
		{
			name: "generated column", sql: "ALTER TABLE s.$__ ADD COLUMN tsv tsvector GENERATED ALWAYS AS (to_tsvector('simple', v)) STORED",
			check: func(t *catalog.Table) bool { return len(t.Columns) == 2 && t.UnmanagedColumns[0].Type == 0 },
		},
		{name: "column of a foreign type", sql: "ALTER TABLE s.$__ ADD COLUMN p point", check: func(t *catalog.Table) bool { return len(t.Columns) == 2 }},
		{
			name: "column with a default", sql: "ALTER TABLE s.$__ ADD COLUMN note text NOT NULL DEFAULT 'x'",
			check: func(t *catalog.Table) bool { return len(t.Columns) == 2 && t.UnmanagedColumns[0].Type == change.Text },
		},
		{name: "column that needs a value", sql: "ALTER TABLE s.$__ ADD COLUMN note text NOT NULL", fault: `column "note" of "s"."$__" was not made by Metadb and has to have a value`},
		{name: "partition made by hand", sql: "CREATE TABLE s.$_2030 PARTITION OF s.zzz___$___ FOR VALUES FROM ('2030-01-01Z') TO ('2031-01-01Z')", check: func(t *catalog.Table) bool { return slices.Equal(t.Years, []int{2026}) }},
		{name: "default partition", sql: "CREATE TABLE s.$_rest PARTITION OF s.zzz___$___ DEFAULT", check: func(t *catalog.Table) bool { return slices.Equal(t.Years, []int{2026}) }},
		{name: "main table dropped", sql: "DROP TABLE s.$__", fault: "gone"},
		{name: "current table dropped", sql: "DROP TABLE s.$", fault: `"s"."$" is missing`},
		{name: "current table detached", sql: "ALTER TABLE s.$__ DETACH PARTITION s.$", fault: `"s"."$" is not a partition of "s"."$__"`},
		{name: "history detached", sql: "ALTER TABLE s.$__ DETACH PARTITION s.zzz___$___", fault: `"s"."zzz___$___" is not a partition of "s"."$__"`},
		{name: "year detached", sql: "ALTER TABLE s.zzz___$___ DETACH PARTITION s.zzz___$___2026", check: func(t *catalog.Table) bool { return len(t.Years) == 0 }},
		{name: "main table renamed", sql: "ALTER TABLE s.$__ RENAME TO $_old", fault: `"s"."$__" is missing`},
		{name: "current table renamed", sql: "ALTER TABLE s.$ RENAME TO $_old", fault: `"s"."$" is missing`},
		{name: "moved to another schema", sql: "CREATE SCHEMA other; ALTER TABLE s.$__ SET SCHEMA other", fault: `"s"."$__" is missing`},
		{name: "replaced by a view", sql: "ALTER TABLE s.$__ RENAME TO $_old; CREATE VIEW s.$__ AS SELECT * FROM s.$_old", fault: `"s"."$__" is a view`},
		{name: "replaced by a table", sql: "DROP TABLE s.$__; CREATE TABLE s.$__ (id integer)", fault: `"s"."$__" is a table`},
		{name: "current replaced by a view", sql: "ALTER TABLE s.$ RENAME TO $_old; CREATE VIEW s.$ AS SELECT 1 AS one", fault: `"s"."$" is a view`},
		{name: "current unlogged", sql: "ALTER TABLE s.$ SET UNLOGGED", fault: "unlogged"},
		{name: "year unlogged", sql: "ALTER TABLE s.zzz___$___2026 SET UNLOGGED", fault: "unlogged"},
		{name: "confirmed ids unlogged", sql: "ALTER TABLE s.zzz___$___sync SET UNLOGGED", fault: "unlogged"},
		{name: "confirmed ids dropped", sql: "DROP TABLE s.zzz___$___sync", check: func(t *catalog.Table) bool { return t.MissingParts.Sync }},
		{name: "rule instead", sql: "CREATE RULE nothing AS ON INSERT TO s.$ DO INSTEAD NOTHING", fault: `rule "nothing"`},
		{name: "rule disabled", sql: "CREATE RULE nothing AS ON INSERT TO s.$ DO INSTEAD NOTHING; ALTER TABLE s.$ DISABLE RULE nothing"},
		{name: "rule also", sql: "CREATE RULE also AS ON DELETE TO s.$ DO ALSO SELECT 1"},
		{name: "metadata column dropped", sql: "ALTER TABLE s.$__ DROP COLUMN __origin", fault: `column "__origin" of "s"."$__" is missing`},
		{name: "metadata column renamed", sql: "ALTER TABLE s.$__ RENAME COLUMN __start TO began", fault: "was not made by Metadb"},
		{name: "metadata column retyped", sql: "ALTER TABLE s.$__ ALTER COLUMN __end TYPE timestamp", fault: `column "__end" of "s"."$__" has type timestamp without time zone`},
		{name: "column dropped", sql: "ALTER TABLE s.$__ DROP COLUMN v", check: func(t *catalog.Table) bool { return len(t.Columns) == 1 }},
		{name: "column renamed", sql: "ALTER TABLE s.$__ RENAME COLUMN v TO w", check: func(t *catalog.Table) bool { return len(t.Columns) == 1 && t.UnmanagedColumns[0].Stored == "w" }},
		{name: "key column dropped", sql: "ALTER TABLE s.$__ DROP COLUMN id", fault: `column "id" of "s"."$__" is missing`},
		{name: "length", sql: "ALTER TABLE s.$__ ALTER COLUMN v TYPE varchar(100)", fault: "has type character varying(100)"},
		{name: "precision", sql: "ALTER TABLE s.$__ ALTER COLUMN id TYPE numeric(10,2)", fault: "has type numeric(10,2)"},
		{name: "domain", sql: "CREATE DOMAIN title AS text; ALTER TABLE s.$__ ALTER COLUMN v TYPE title", fault: "has type title"},
		{name: "wider type", sql: "ALTER TABLE s.$__ ALTER COLUMN id TYPE bigint", check: func(t *catalog.Table) bool { return t.Columns[0].Type == change.BigInt }},
		{
			name:  "collation that ignores case",
			sql:   "CREATE COLLATION same (provider = icu, locale = 'und-u-ks-level2', deterministic = false); ALTER TABLE s.$__ ALTER COLUMN v TYPE text COLLATE same",
			check: func(t *catalog.Table) bool { return t.Columns[1].Collation == "same" && t.Columns[0].Collation == "" },
		},
		{
			name:  "key's collation ignores case",
			sql:   "ALTER TABLE s.$__ ALTER COLUMN id TYPE text COLLATE same",
			check: func(t *catalog.Table) bool { return t.Columns[0].Collation == "same" },
		},
		{
			name:  "collation of a mapped table's key ignores case",
			sql:   "ALTER TABLE s.$__ ALTER COLUMN id TYPE text COLLATE same; UPDATE metadb.target_table SET mapped = 'x' WHERE table_name = '$'",
			fault: `column "id" of "s"."$__" has the collation "same"`,
		},
		{name: "another collation", sql: `ALTER TABLE s.$__ ALTER COLUMN v TYPE text COLLATE "C"`},
		{name: "own column generated", sql: "ALTER TABLE s.$__ DROP COLUMN v, ADD COLUMN v text GENERATED ALWAYS AS ('x') STORED", fault: `column "v" of "s"."$__" is generated`},
		{name: "unique index dropped", sql: "DROP INDEX s.{key}", check: func(t *catalog.Table) bool { return t.MissingParts.KeyIndex && !t.UniqueKey }},
		{name: "unique index renamed", sql: "ALTER INDEX s.{key} RENAME TO $_mine", check: func(t *catalog.Table) bool { return !t.MissingParts.KeyIndex && t.UniqueKey }},
		{name: "another unique index", sql: "DROP INDEX s.{key}; CREATE UNIQUE INDEX ON s.$ (v)", check: func(t *catalog.Table) bool { return t.MissingParts.KeyIndex && !t.UniqueKey }},
		{name: "numbering dropped", sql: "ALTER TABLE s.$ ALTER __id DROP DEFAULT; ALTER TABLE s.zzz___$___ ALTER __id DROP DEFAULT; ALTER TABLE s.zzz___$___2026 ALTER __id DROP DEFAULT; ALTER TABLE s.$__ ALTER __id DROP IDENTITY", fault: "___id"},
	}
	table := func(i int) change.Table { return change.Table{Schema: "s", Name: fmt.Sprintf("t%d", i)} }
	for i := range cases {
		b.apply(upsert(table(i), 2026, column("id", change.Integer), column("v", change.Text)))
	}
	whole := change.Table{Schema: "s", Name: "whole"}
	b.apply(upsert(whole, 2026, column("id", change.Integer), column("v", change.Text)))
	for i, c := range cases {
		key := b.texts("SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = ('s.t' || $1)::regclass AND indisunique", fmt.Sprint(i))
		sql := strings.ReplaceAll(c.sql, "s.{key}", key[0])
		b.exec(strings.ReplaceAll(sql, "$", table(i).Name))
		loaded := catalog.NewStore()
		if err := loaded.Load(t.Context(), b.conn); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if w := loaded.Snapshot().Table(whole); w == nil || w.Fault != nil || len(w.Columns) != 2 {
			t.Fatalf("%s: the other table is %+v", c.name, w)
		}
		got := loaded.Snapshot().Table(table(i))
		want := strings.ReplaceAll(c.fault, "$", table(i).Name)
		switch {
		case want == "gone":
			if got != nil {
				t.Errorf("%s: %+v", c.name, got)
			}
		case got == nil:
			t.Errorf("%s: the table is not there", c.name)
		case want == "" && got.Fault != nil:
			t.Errorf("%s: %v", c.name, got.Fault)
		case want == "":
			if c.check != nil && !c.check(got) {
				t.Errorf("%s: %+v", c.name, got)
			}
		case got.Fault == nil || !strings.Contains(got.Fault.Error(), want):
			t.Errorf("%s: %v, want %s", c.name, got.Fault, want)
		}
	}
}
