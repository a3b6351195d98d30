package wire_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// TestPsqlSame compares psql's output through the port with its output at the database.
func TestPsqlSame(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	if _, err := p.Pool.Exec(t.Context(), "create table t (a int primary key, b text); comment on table t is 'ä'; create sequence s"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rows")
	if err := os.WriteFile(file, []byte("1\tx\n2\t\\N\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, input := range []string{
		`\d`, `\d t`, `\d+ t`, `\dt`, `\dt+ metadb.*`, `\d metadb.*`, `\df public.*`, `\di`, `\dn+`, `\du`, `\dT`, `\dp`, `\l template*`, `\dx`, `\sf mdbversion`, `\do =`, `\dconfig work_mem`,
		`\copy t from ` + file + "\nselect * from t;\n\\copy t to stdout\n\\copy (select 1) to stdout csv header\ntruncate t;",
		// \watch ends with the error of its third round. Its title is the time.
		"\\t on\nselect 1 / (3 - nextval('s')) as a \\watch 0.01\nselect setval('s', 1, false);",
		"select 1 as a, 2 as b \\gset\n\\echo :a :b\nselect :a \\gdesc\nselect 'x' \\gexec\nselect 1 \\; select 2;\nselect $1 \\bind 1 \\g",
		"\\set FETCH_COUNT 10\nselect generate_series(1, 35);", "\\set ON_ERROR_ROLLBACK on\nbegin;\nselect 1/0;\nselect 2;\ncommit;",
		"\\set AUTOCOMMIT off\nselect 1;\nrollback;", "\\encoding latin1\nselect 'a';", "\\errverbose\nselect 1/0;\n\\errverbose", "\\crosstabview\nselect 1, 2, 3 \\crosstabview",
		completion,
	} {
		direct := run(t, input, "-X", "-d", keywords(t, p.ConnString))
		if got := p.psql(input, "-U", p.config.Super.Name); got != direct {
			t.Errorf("%s\n got %s\nwant %s", input, got, direct)
		}
	}
}

// completion is the query of psql 15 when Tab is pressed after "select * from t".
const completion = `SELECT pg_catalog.quote_ident(c.relname) , pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_class c, pg_catalog.pg_namespace n
WHERE (c.relkind IN ('r', 'v', 'm', 'f', 'p')) AND (pg_catalog.quote_ident(c.relname) LIKE 't%') AND (pg_catalog.pg_table_is_visible(c.oid)) AND c.relnamespace = n.oid
AND c.relnamespace <> (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'pg_catalog') UNION ALL SELECT NULL::pg_catalog.text,
pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_namespace n WHERE pg_catalog.quote_ident(n.nspname) LIKE 't%' LIMIT 1000;`

// TestIsReady runs pg_isready, which has no password, as service managers do.
func TestIsReady(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	port := strconv.Itoa(p.server.Addr().Port)
	for _, host := range []string{"127.0.0.1", p.dir} {
		out, err := exec.CommandContext(t.Context(), "pg_isready", "-h", host, "-p", port, "-d", "metadb").CombinedOutput()
		if want := host + ":" + port + " - accepting connections\n"; err != nil || string(out) != want {
			t.Errorf("%v, %q, want %q", err, out, want)
		}
	}
}
