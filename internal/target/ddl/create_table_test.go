package ddl_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/plan"
)

const relationsSQL = `
	SELECT c.relname || ' ' || coalesce(pg_get_partkeydef(c.oid), '') || coalesce(pg_get_expr(c.relpartbound, c.oid), '') || c.relpersistence::text
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'library' AND c.relkind IN ('r', 'p') ORDER BY c.relname`

const columnsSQL = `
	SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
			|| coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') || CASE a.attidentity WHEN 'd' THEN ' identity' ELSE '' END
			|| CASE a.attcompression WHEN 'l' THEN ' lz4' ELSE '' END
		FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = $1::regclass AND a.attnum > 0 ORDER BY a.attnum`

func TestCreatedTable(t *testing.T) {
	b := newBench(t)
	b.exec("SET timezone = 'UTC'")
	b.apply(upsert(patron, 2026, column("id", change.UUID), column("name", change.Text), column("data", change.JSONB)))
	b.wantTexts([]string{
		"patron FOR VALUES IN (true)p",
		"patron__ LIST (__current)p",
		"zzz___patron___ RANGE (__start)FOR VALUES IN (false)p",
		"zzz___patron___2026 FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2027-01-01 00:00:00+00')p",
		"zzz___patron___sync p",
	}, relationsSQL)
	same := []string{
		"__start timestamp with time zone not null", "__end timestamp with time zone not null", "__current boolean not null",
		"__origin character varying(63) not null default ''::character varying", "id uuid", "name text lz4", "data jsonb lz4",
	}
	b.wantTexts(append([]string{"__id bigint not null identity"}, same...), columnsSQL, "library.patron__")
	for _, part := range []string{"patron", "zzz___patron___", "zzz___patron___2026"} {
		b.wantTexts(append([]string{`__id bigint not null default nextval('library.zzz___patron___id'::regclass)`}, same...),
			columnsSQL, "library."+part)
	}
	b.wantTexts([]string{"__id bigint"}, columnsSQL, "library.zzz___patron___sync")
	b.wantTexts([]string{"library.patron sensor false"},
		`SELECT schema_name || '.' || table_name || ' ' || source_name || ' ' || transformed FROM metadb.base_table`)
}

const indexesSQL = `
	SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?\S+ USING btree ', '\1')
		FROM pg_index i WHERE i.indrelid = $1::regclass ORDER BY 1`

func TestIndexesOfEveryPartition(t *testing.T) {
	b := newBench(t)
	loan := change.Table{Schema: "library", Name: "loan"}
	columns := []change.Column{
		column("user_id", change.UUID), column("item", change.Integer), column("desk", change.UUID), column("note", change.Text),
	}
	b.apply(withKey(upsert(loan, 2025, columns...), 0, 1), withKey(upsert(loan, 2026, columns...), 0, 1))
	b.wantTexts([]string{"(__id)", "(desk)", "(item)", "UNIQUE (user_id, item, __origin) NULLS NOT DISTINCT WITH (fillfactor='70')"}, indexesSQL, "library.loan")
	for _, year := range []int{2025, 2026} {
		b.wantTexts([]string{"(__id)", "(desk)", "(item)", "(user_id)"}, indexesSQL, fmt.Sprintf("library.zzz___loan___%d", year))
	}
	b.wantTexts(nil, `SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid IN (
		SELECT oid FROM pg_class WHERE relnamespace = 'library'::regnamespace) AND NOT indisvalid`)

	// A new uuid column, and years that are added later, have indexes too.
	b.apply(withKey(upsert(loan, 2027, append(columns, column("place", change.UUID))...), 0, 1))
	b.wantTexts([]string{"(__id)", "(desk)", "(item)", "(place)", "UNIQUE (user_id, item, __origin) NULLS NOT DISTINCT WITH (fillfactor='70')"},
		indexesSQL, "library.loan")
	for _, year := range []int{2025, 2026, 2027} {
		b.wantTexts([]string{"(__id)", "(desk)", "(item)", "(place)", "(user_id)"}, indexesSQL, fmt.Sprintf("library.zzz___loan___%d", year))
	}
}

func TestRowsFindTheirPartition(t *testing.T) {
	b := newBench(t)
	b.apply(upsert(patron, 2026, column("id", change.Integer)))
	b.exec(`INSERT INTO library.patron__ (__start, __end, __current, id) VALUES ('2026-02-01Z', '9999-12-31Z', true, 1)`)
	b.exec(`INSERT INTO library.patron (__start, __end, __current, id) VALUES ('2026-02-01Z', '9999-12-31Z', true, 2)`)
	b.exec(`INSERT INTO library.patron__ (__start, __end, __current, id) VALUES ('2026-01-01Z', '2026-02-01Z', false, 1)`)
	b.wantTexts([]string{"1 library.patron 1", "2 library.patron 2", "3 library.zzz___patron___2026 1"},
		`SELECT __id || ' ' || tableoid::regclass::text || ' ' || id FROM library.patron__ ORDER BY __id`)
}

func TestEnsureYears(t *testing.T) {
	b := newBench(t)
	b.apply(upsert(patron, 2026, column("id", change.Integer)))
	table := b.store.Snapshot().Table(patron)
	for range 2 {
		// The second call finds the years in the database, although the older table lacks them.
		err := pgx.BeginFunc(t.Context(), b.conn, func(tx pgx.Tx) error {
			after, err := ddl.EnsureYears(t.Context(), tx, table, []int{2027, 2026, 1999, 2027})
			if err != nil {
				return err
			}
			b.store.Publish(after)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		b.checkLoaded()
	}
	if got := b.store.Snapshot().Table(patron).Years; fmt.Sprint(got) != "[1999 2026 2027]" {
		t.Errorf("years: got %v", got)
	}
	if len(table.Years) != 1 {
		t.Error("the published table was changed")
	}
}

// TestDroppedTableIsMadeAgain drops the main table by hand: the next event creates it again.
func TestDroppedTableIsMadeAgain(t *testing.T) {
	b := newBench(t)
	b.apply(upsert(patron, 2026, column("id", change.Integer), column("__id", change.Text)))
	b.exec("DROP TABLE library.patron__")
	if err := b.store.Load(t.Context(), b.conn); err != nil {
		t.Fatal(err)
	}
	if b.store.Snapshot().Table(patron) != nil {
		t.Error("a table without relations was loaded")
	}
	b.apply(upsert(patron, 2026, column("id", change.Text)))
}

// TestDroppedDataSource drops the data source of a table: one other source takes the table over,
// and no further one while that exists.
func TestDroppedDataSource(t *testing.T) {
	b := newBench(t)
	b.apply(upsert(patron, 2026, column("id", change.Integer)))
	mine := b.store.Snapshot().Table(patron)
	other := mine.Clone()
	other.Source = "other"
	take := func() error {
		return pgx.BeginFunc(t.Context(), b.conn, func(tx pgx.Tx) error {
			_, err := ddl.Execute(t.Context(), tx, plan.Delta{Before: mine, After: other}, slog.New(slog.DiscardHandler))
			return err
		})
	}
	if err := take(); err == nil {
		t.Error("taken over from a data source that is there")
	}
	const replace = "UPDATE metadb.source SET name = 'other' WHERE name = 'sensor'"
	if _, err := b.conn.Exec(t.Context(), replace); err != nil {
		t.Fatal(err)
	}
	owner := func() string {
		store := catalog.NewStore()
		if err := store.Load(t.Context(), b.conn); err != nil {
			t.Fatal(err)
		}
		return store.Snapshot().Table(patron).Source
	}
	if got := owner(); got != "" {
		t.Errorf("belongs to %q, which has been dropped", got)
	}
	if err := take(); err != nil {
		t.Fatal(err)
	}
	if got := owner(); got != "other" {
		t.Errorf("belongs to %q", got)
	}
}

func TestRolledBackTableLeavesNothing(t *testing.T) {
	b := newBench(t)
	b.exec("CREATE SCHEMA library")
	b.exec("CREATE VIEW library.zzz___patron___ AS SELECT 1")
	if err := b.try(upsert(patron, 2026, column("id", change.Integer))); err == nil {
		t.Fatal("a table was made where a view has the name of its history")
	}
	b.wantTexts(nil, relationsSQL)
	b.wantTexts(nil, "SELECT table_name FROM metadb.base_table")
	b.checkLoaded()
}
