package consistency_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/target/consistency"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
)

// filled is the dump of a database that went through the whole path; see package versions.
const filled = "../../../testdata/versions/1012.sql"

// databases makes copies of the filled database.
type databases struct {
	cluster *pgtest.Cluster
	admin   *pgx.Conn
	serial  int
}

func newDatabases(t *testing.T) *databases {
	t.Helper()
	pgtest.SkipShort(t)
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	admin, err := pgx.Connect(t.Context(), cluster.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	text, err := os.ReadFile(filled)
	if err != nil {
		t.Fatal(err)
	}
	d := &databases{cluster: cluster, admin: admin}
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE filled"); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), cluster.URL("filled"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for _, sql := range []string{string(text), "SET search_path = public"} {
		if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	if err := metaschema.Upgrade(t.Context(), conn, "v2"); err != nil {
		t.Fatal(err)
	}
	return d
}

// clone returns a copy that statements have changed.
func (d *databases) clone(t *testing.T, statements ...string) *pgxpool.Pool {
	t.Helper()
	d.serial++
	name := fmt.Sprintf("damaged_%d", d.serial)
	if _, err := d.admin.Exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE filled"); err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(t.Context(), d.cluster.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	for _, sql := range statements {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	return pool
}

// verify returns the findings, a line each.
func verify(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	findings, err := consistency.Verify(t.Context(), pool, consistency.Report{
		Progress:   func(int, int) {},
		Unverified: func(table string, err error) { t.Errorf("%s could not be verified: %v", table, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range findings {
		lines = append(lines, fmt.Sprintf("%s: %s: %d: %s", f.Table, f.Check, f.Count, f.Examples))
	}
	return lines
}

// dropUnique drops the unique index of a table.
func dropUnique(table string) string {
	return "DO $$ BEGIN EXECUTE 'DROP INDEX ' || (SELECT indexrelid::regclass FROM pg_index WHERE indisunique AND indrelid = '" + table + "'::regclass); END $$"
}

// TestDamage causes each kind of damage and expects exactly its finding.
func TestDamage(t *testing.T) {
	d := newDatabases(t)
	const patron1 = "SELECT __start, __end, false, __origin, 1, name, balance, since FROM library.patron WHERE id = 1"
	const columns = " (__start, __end, __current, __origin, id, name, balance, since) "
	// PostgreSQL accepts any row into a relation that is not marked as a partition.
	freely := func(relation string, statements ...string) []string {
		return append(append([]string{"UPDATE pg_class SET relispartition = false WHERE oid = '" + relation + "'::regclass"}, statements...),
			"UPDATE pg_class SET relispartition = true WHERE oid = '"+relation+"'::regclass")
	}
	for name, test := range map[string]struct {
		damage []string
		want   []string
	}{
		"none": {},
		"two current rows": {
			[]string{dropUnique("library.patron"), "CREATE INDEX ON library.patron (id)", "INSERT INTO library.patron" + columns + strings.Replace(patron1, "false", "true", 1)},
			[]string{"library.patron__: more than one current row of a key: 1: (1)"},
		},
		"overlapping history": {
			[]string{"UPDATE library.patron__ SET __end = __end + interval '1 day' WHERE id = 1 AND name = 'Patron 1 in 2024'"},
			[]string{"library.patron__: validity ranges overlap: 1: (1)"},
		},
		"history after the current row began": {
			[]string{"INSERT INTO library.patron__" + columns + "SELECT __start + interval '1 hour', __start + interval '2 hours', false, __origin, 1, name, balance, since FROM library.patron WHERE id = 1"},
			[]string{"library.patron__: validity ranges overlap: 1: (1)"},
		},
		"backwards": {
			[]string{"UPDATE library.patron__ SET __end = __start - interval '1 day' WHERE id = 1 AND name = 'Patron 1 in 2024'"},
			[]string{"library.patron__: validity range runs backwards: 1: (1)"},
		},
		"current, but ended": {
			[]string{"UPDATE library.patron SET __end = now() WHERE id IN (1, 3)"},
			[]string{"library.patron__: __current and __end disagree: 2: (1) (3)"},
		},
		"ended, but for ever": {
			[]string{"UPDATE library.patron__ SET __end = '9999-12-31 00:00:00+00' WHERE id = 1 AND name = 'Patron 1 in 2024'"},
			[]string{"library.patron__: __current and __end disagree: 1: (1)"},
		},
		"ended row in the current table": {
			freely("library.patron", "INSERT INTO library.patron"+columns+"SELECT __start - interval '1 s', __start - interval '1 s', false, __origin, 77, name, balance, since FROM library.patron WHERE id = 3"),
			[]string{"library.patron__: row in the wrong partition: 1: (77)"},
		},
		"another year": {
			freely("library.zzz___patron___2024", "UPDATE library.zzz___patron___2024 SET __start = __start - interval '2 years' WHERE name = 'Patron 2'"),
			[]string{"library.patron__: row in the wrong partition: 1: (2)"},
		},
		"transformed row without a parent": {
			[]string{`INSERT INTO library.item__t (__start, __end, __current, __origin, __root__id) SELECT __start, __end, true, 'west', __root__id FROM library.item__t WHERE __origin = '' LIMIT 1`},
			[]string{"library.item__t__: transformed row without a current parent: 1: (8f0e4c1a-0000-4000-8000-000000000001)"},
		},
		"parent without a transformed row": {
			[]string{"DELETE FROM library.item__t WHERE __origin = 'east' AND __root__id = '8f0e4c1a-0000-4000-8000-000000000002'"},
			[]string{"library.item__: parent without its transformed row: 1: (8f0e4c1a-0000-4000-8000-000000000002) in item__t"},
		},
		"parent without elements": {
			[]string{"DELETE FROM library.item__tags WHERE __origin = '' AND __root__id = '8f0e4c1a-0000-4000-8000-000000000003'"},
			[]string{"library.item__: parent without its transformed row: 1: (8f0e4c1a-0000-4000-8000-000000000003) in item__tags"},
		},
		"documents that make no rows": {
			[]string{
				`UPDATE library.item SET doc = NULL WHERE __origin = 'east' AND id = '8f0e4c1a-0000-4000-8000-000000000002'`,
				`UPDATE library.item SET doc = '["tags"]' WHERE __origin = 'east' AND id = '8f0e4c1a-0000-4000-8000-000000000003'`,
				`UPDATE library.item SET doc = '{"tags": [null, ["x"]], "metadata": {"tags": 1}}' WHERE __origin = 'east' AND id = '8f0e4c1a-0000-4000-8000-000000000001'`,
				"DELETE FROM library.item__t WHERE __origin = 'east' AND __root__id IN ('8f0e4c1a-0000-4000-8000-000000000002', '8f0e4c1a-0000-4000-8000-000000000003')",
				"DELETE FROM library.item__tags WHERE __origin = 'east' AND __root__id IN ('8f0e4c1a-0000-4000-8000-000000000001', '8f0e4c1a-0000-4000-8000-000000000002', '8f0e4c1a-0000-4000-8000-000000000003')",
			},
			nil,
		},
		"year of a current row": {
			[]string{"ALTER TABLE circulation.zzz___fee___ DETACH PARTITION circulation.zzz___fee___2026", "DROP TABLE circulation.zzz___fee___2026"},
			[]string{"circulation.fee__: missing partition: 1: zzz___fee___2026"},
		},
		"year that was detached": {
			[]string{"ALTER TABLE library.zzz___patron___ DETACH PARTITION library.zzz___patron___2025"},
			[]string{"library.patron__: missing partition: 1: zzz___patron___2025"},
		},
		"history": {
			[]string{"ALTER TABLE library.patron__ DETACH PARTITION library.zzz___patron___"},
			[]string{"library.patron__: missing partition: 1: zzz___patron___"},
		},
		"sync table": {
			[]string{"DROP TABLE library.zzz___loan___sync"},
			[]string{"library.loan__: missing sync table: 1: zzz___loan___sync"},
		},
		"unique index": {
			[]string{dropUnique("library.loan"), "CREATE INDEX ON library.loan (patron_id)"},
			[]string{"library.loan__: missing index: 1: loan(unique)"},
		},
		"default of __id": {
			[]string{"ALTER TABLE library.zzz___loan___2024 ALTER __id DROP DEFAULT", "ALTER TABLE library.loan ALTER __origin DROP DEFAULT"},
			[]string{"library.loan__: missing default: 2: loan.__origin zzz___loan___2024.__id"},
		},
		"grant": {
			[]string{"INSERT INTO metadb.acl VALUES ('library', 'gone', 't', 'a', 'ben'), ('public', 'gone(integer)', 'f', 'a', 'ben'), ('folio_source_record', 'marc__t', 't', 'a', 'ben')"},
			[]string{"metadb.acl: grant without its object: 2: library.gone to ben public.gone(integer) to ben"},
		},
		"user": {
			[]string{"INSERT INTO metadb.auth (username) VALUES ('nobody')"},
			[]string{"metadb.auth: user without a role: 1: nobody"},
		},
		"dropped table": {
			[]string{"DROP TABLE library.note__"},
			[]string{"metadb.base_table: row without its table: 1: library.note"},
		},
		"table without its row": {
			[]string{"DELETE FROM metadb.base_table WHERE table_name = 'note'"},
			[]string{"metadb.base_table: table without its row: 1: library.note__"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := verify(t, d.clone(t, test.damage...)); strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("got %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestLeadingIndexes invalidates the indexes of a partition, one after the other.
func TestLeadingIndexes(t *testing.T) {
	d := newDatabases(t)
	pool := d.clone(t)
	rows, _ := pool.Query(t.Context(), `SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
		WHERE i.indrelid = 'library.zzz___loan___2024'::regclass ORDER BY 1`) // its error is the rows', too
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || strings.Join(columns, " ") != "__id item_id patron_id" {
		t.Fatalf("indexes on %q: %v", columns, err)
	}
	for _, column := range columns {
		// PostgreSQL refuses to drop a part of a partitioned index; one that failed to be built is
		// invalid.
		damaged := d.clone(t, `UPDATE pg_index i SET indisvalid = false FROM pg_attribute a
			WHERE i.indrelid = 'library.zzz___loan___2024'::regclass AND a.attrelid = i.indrelid AND a.attnum = i.indkey[0] AND a.attname = '`+column+`'`)
		want := "library.loan__: missing index: 1: zzz___loan___2024(" + column + ")"
		if got := strings.Join(verify(t, damaged), "\n"); got != want {
			t.Errorf("got %q\nwant %q", got, want)
		}
	}
}

// TestWhileOthersWork verifies beside a writer, without a wait on either side; a locked table is
// named, and the others are verified.
func TestWhileOthersWork(t *testing.T) {
	d := newDatabases(t)
	pool := d.clone(t, "INSERT INTO metadb.auth (username) VALUES ('nobody')")
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), "UPDATE library.patron SET name = name"); err != nil {
		t.Fatal(err)
	}
	if got := verify(t, pool); len(got) != 1 {
		t.Errorf("beside a writer: %q", got)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE library.loan__ IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	var unverified []string
	var progress int
	findings, err := consistency.Verify(t.Context(), pool, consistency.Report{
		Progress:   func(done, total int) { progress = max(progress, total-done) },
		Unverified: func(table string, _ error) { unverified = append(unverified, table) },
	})
	if err != nil || len(findings) != 1 || strings.Join(unverified, " ") != "library.loan__" || progress != 10 {
		t.Errorf("beside a lock: %v, %v, unverified %q, progress %d", findings, err, unverified, progress)
	}
}
