package versions

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

const dumps = "../../../testdata/versions"

// TestUpgrade upgrades the dump of each version and streams on.
func TestUpgrade(t *testing.T) {
	pgtest.SkipShort(t)
	binary := filepath.Join(t.TempDir(), "metadb")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "metadb/cmd/metadb").CombinedOutput(); err != nil {
		t.Fatalf("build metadb: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dumps, "*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dumps in %s: %v", dumps, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".sql")
		version, err := strconv.Atoi(name)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		t.Run(name, func(t *testing.T) {
			u := restore(t, binary, file)
			before := u.contents()
			u.upgrade(version)
			u.compare(before)
			u.streamOn()
			u.endTable()
			u.endSource()
			u.streamAfter()
			u.rights()
			u.verify()
		})
	}
}

// upgraded is a database of an older version with an installation of this one.
type upgraded struct {
	*databaseFiller
	t *testing.T
}

// restore creates a database from a dump, in its own cluster, since roles belong to the
// cluster, and a broker in place of the dump's.
func restore(t *testing.T, binary, file string) *upgraded {
	t.Helper()
	pgtest.SkipShort(t)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	u := &upgraded{databaseFiller: &databaseFiller{}, t: t}
	u.exec(cluster.URL("postgres"), "CREATE DATABASE "+database)
	u.exec(cluster.URL(database), string(text))
	if u.m, err = testbed.Install(t.Context(), binary, t.TempDir(), cluster, database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = u.m.Close()
		if t.Failed() {
			log, _ := u.m.Log()
			t.Log(log)
		}
	})
	broker, producer := testbed.StartBroker(t, partitions)
	u.producer, u.brokers = producer, broker.Address()
	u.standIn()
	return u
}

// exec runs SQL as the superuser.
func (u *upgraded) exec(url, sql string, args ...any) {
	u.t.Helper()
	conn, err := pgx.Connect(u.t.Context(), url)
	if err != nil {
		u.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if len(args) == 0 {
		_, err = conn.PgConn().Exec(u.t.Context(), sql).ReadAll()
	} else {
		_, err = conn.Exec(u.t.Context(), sql, args...)
	}
	if err != nil {
		u.t.Fatal(err)
	}
}

// rows returns the rows of a query, one in each line.
func (u *upgraded) rows(sql string) []string {
	u.t.Helper()
	conn, err := pgx.Connect(u.t.Context(), u.m.Database())
	if err != nil {
		u.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, _ := conn.Query(u.t.Context(), sql) // its error is the rows', too
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return strings.TrimSpace(fmt.Sprintln(values...)), err
	})
	if err != nil {
		u.t.Fatalf("%s: %v", sql, err)
	}
	return found
}

// expect compares the rows of a query.
func (u *upgraded) expect(sql string, want ...string) {
	u.t.Helper()
	if got := u.rows(sql); strings.Join(got, "\n") != strings.Join(want, "\n") {
		u.t.Errorf("%s:\n got %q\nwant %q", sql, got, want)
	}
}

// upgrade follows docs/install.md, "Upgrading".
func (u *upgraded) upgrade(from int) {
	u.t.Helper()
	to, err := metaschema.ProgramVersion()
	if err != nil {
		u.t.Fatal(err)
	}
	if from != to {
		if err := u.m.Start(u.t.Context()); err == nil || !strings.Contains(err.Error(), `run "metadb upgrade"`) {
			u.t.Errorf("a server on a database that is not upgraded: %v", err)
		}
		_ = u.m.Close()
	}
	if _, err := u.m.Run(u.t.Context(), "upgrade", "-D", "data", "--force"); err != nil {
		u.t.Fatal(err)
	}
	u.expect("SELECT dbversion FROM metadb.init", strconv.Itoa(to))
}

// contents returns the rows of each copied and transformed table and of some tables of the
// schema metadb by query. The queries select the columns of before the upgrade.
func (u *upgraded) contents() map[string][]string {
	u.t.Helper()
	found := make(map[string][]string)
	for _, query := range u.rows(`SELECT format('SELECT %s FROM %s ORDER BY __id', string_agg(quote_ident(a.attname) || '::text', ', ' ORDER BY a.attnum), c.oid::regclass)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relkind = 'p' AND NOT c.relispartition AND c.relnamespace <> 'metadb'::regnamespace GROUP BY c.oid`) {
		found[query] = u.rows(query)
	}
	for _, query := range []string{
		"SELECT * FROM metadb.origin", "SELECT username FROM metadb.auth ORDER BY username", "SELECT parameter, value FROM metadb.config ORDER BY parameter",
		"SELECT * FROM metadb.transform_json ORDER BY path", "SELECT count(*) FROM library.zzz___patron___sync", "SELECT count(*) FROM circulation.zzz___fee___sync",
	} {
		found[query] = u.rows(query)
	}
	return found
}

// compare fails the test for each table that an upgrade has changed.
func (u *upgraded) compare(before map[string][]string) {
	u.t.Helper()
	if len(before) < 15 {
		u.t.Errorf("only %d tables in the dump", len(before))
	}
	for query, want := range before {
		u.expect(query, want...)
	}
}

// verify runs "verify consistency", and stops the server.
func (u *upgraded) verify() {
	u.t.Helper()
	conn, err := u.m.Admin(u.t.Context())
	if err != nil {
		u.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, _ := conn.Query(u.t.Context(), "verify consistency") // its error is the rows', too
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return fmt.Sprint(values...), err
	})
	if err != nil || len(found) > 0 {
		u.t.Errorf("verify consistency: %q, %v", found, err)
	}
	u.runStep(func() error { return u.m.Stop(u.t.Context()) })
	u.must()
}

// must fails the test with the first error of the steps so far.
func (u *upgraded) must() {
	u.t.Helper()
	if u.err != nil {
		u.t.Fatal(u.err)
	}
}
