package server

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/eventgen"
)

// reader is a connection of FOLIO's Reporting app: to the database itself, as a user that "create
// user" made and that "grant access on all" lets read.
type reader struct {
	t    *testing.T
	conn *pgx.Conn
}

// texts returns the rows of a query, each column as a Go string, which can't be NULL.
func (r *reader) texts(columns int, sql string, args ...any) [][]string {
	r.t.Helper()
	rows, _ := r.conn.Query(r.t.Context(), sql, args...) // the rows return its error too
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]string, error) {
		cells, into := make([]string, columns), make([]any, columns)
		for i := range cells {
			into[i] = &cells[i]
		}
		return cells, row.Scan(into...)
	})
	if err != nil {
		r.t.Fatalf("%s: %v", sql, err)
	}
	return found
}

// has fails the test unless rows contains the wanted row.
func has(t *testing.T, what string, rows [][]string, want ...string) {
	t.Helper()
	for _, row := range rows {
		if strings.Join(row, "|") == strings.Join(want, "|") {
			return
		}
	}
	t.Errorf("%s: %q is not among %q", what, want, rows)
}

// reporting returns a server with a copied, a transformed and a derived table, and the app's
// connection.
func reporting(t *testing.T) (*running, *reader) {
	t.Helper()
	i, f := install(t), newFeed(t)
	encoder, err := eventgen.NewEncoder(eventgen.Table{
		Prefix: "sensor", Schema: "library", Name: "patron", Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "name", Kind: eventgen.JSON}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.encoder = encoder
	f.change('r', 1, `{"age": 30}`, "true")
	f.change('r', 2, `{"age": 40}`, "last")
	r := i.start(t)
	user := "reporting_" + i.db.Name
	r.admin(t, f.source())
	r.admin(t, "create user "+user+" with password 'gm1k'")
	r.admin(t, "grant access on all to "+user)
	r.awaitText(t, "SELECT count(*)::text FROM library.patron", "2")
	r.admin(t, "create data mapping for json from table library.patron__ column name path '$' to 't'")
	r.admin(t, "refresh data mapping for table library.patron__")
	for _, sql := range []string{
		"CREATE SCHEMA folio_derived AUTHORIZATION mdbadmin", "CREATE TABLE folio_derived.loans_items (id text)", "ALTER TABLE folio_derived.loans_items OWNER TO mdbadmin",
		"INSERT INTO metadb.table_update VALUES ('folio_derived', 'loans_items', now(), 1.5), ('folio_derived', 'dropped', now(), 1.5)",
	} {
		if _, err := i.db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	r.admin(t, "grant access on table folio_derived.loans_items to "+user)
	// Rights on new tables are restored within 15 seconds.
	r.awaitText(t, fmt.Sprintf("SELECT has_table_privilege('%s', 'library.patron__t', 'SELECT')::text", user), "true")
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=%s port=%d dbname=%s user=%s password=gm1k sslmode=disable",
		i.db.Cluster.Host(), i.db.Cluster.Port(), i.db.Name, user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	// The log is stored shortly after it is written.
	r.awaitText(t, "SELECT (count(*) > 5)::text FROM metadb.log", "true")
	return r, &reader{t, conn}
}

// TestReportingApp runs the queries of FOLIO's Reporting app.
func TestReportingApp(t *testing.T) {
	_, app := reporting(t)
	tables := app.texts(2, `
		SELECT schema_name, table_name FROM metadb.base_table
		UNION
		SELECT u.schema_name, u.table_name FROM metadb.table_update u
		  JOIN pg_class c ON c.relname = u.table_name JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = u.schema_name
		 WHERE u.schema_name IN ('folio_derived', 'reshare_derived')`)
	if len(tables) != 3 {
		t.Errorf("tables: %q", tables)
	}
	has(t, "tables", tables, "library", "patron")
	has(t, "tables", tables, "library", "patron__t")
	has(t, "tables", tables, "folio_derived", "loans_items")

	for table, column := range map[string]string{"patron": "name", "patron__t": "age", "loans_items": "id"} {
		columns := app.texts(1, "SELECT column_name FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position", table)
		has(t, "columns of "+table, columns, column)
	}
	app.texts(1, `SELECT "age"::text FROM "library"."patron__t" LIMIT 5`)
	if log := app.texts(3, "SELECT log_time::text, error_severity, message FROM metadb.log ORDER BY log_time DESC LIMIT 100"); len(log) == 0 {
		t.Error("the log is empty")
	}
	if version := app.texts(1, "SELECT mdbversion()"); !strings.HasPrefix(version[0][0], "Metadb v") {
		t.Errorf("version: %q", version)
	}
	updates := app.texts(3, "SELECT schema_name || '.' || table_name, to_char(last_update, 'YYYY'), elapsed_real_time::text FROM metadb.table_update")
	updated := false
	for _, row := range updates {
		updated = updated || row[0] == "library.patron__t"
	}
	if !updated {
		t.Errorf("updates: %q", updates)
	}
	for _, row := range app.texts(5, "SELECT dbname, username, state, realtime, query FROM ps() ORDER BY realtime DESC") {
		if row[0] == "" || len(row[3]) < len("00:00:00") {
			t.Errorf("process: %q", row)
		}
	}
	has(t, "users", app.texts(1, "SELECT * FROM mdbusers()"), app.conn.Config().User)
	app.texts(3, "SELECT log_time::text, error_severity, message FROM mdblog()")
}

// TestReport runs a report as the app does: it creates the function in the user's own schema and
// calls it in a transaction that is rolled back.
func TestReport(t *testing.T) {
	r, app := reporting(t)
	ctx := t.Context()
	const report = `--metadb:function patrons_of_age

DROP FUNCTION IF EXISTS patrons_of_age;

CREATE FUNCTION patrons_of_age(youngest integer DEFAULT 0, oldest integer DEFAULT 200)
RETURNS TABLE (id integer, age integer) AS
$$
SELECT __root__id, age::integer FROM library.patron__t WHERE age BETWEEN youngest AND oldest ORDER BY 1

$$
LANGUAGE sql STABLE PARALLEL SAFE;
`
	for range 2 {
		tx, err := app.conn.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Conn().PgConn().Exec(ctx, report).ReadAll(); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = '600s'"); err != nil {
			t.Fatal(err)
		}
		rows := app.texts(2, "SELECT id::text, age::text FROM patrons_of_age(youngest => $1, oldest => $2) LIMIT 1000", 35, 100)
		has(t, "report", rows, "2", "40")
		if len(rows) != 1 {
			t.Errorf("report: %q", rows)
		}
		where := app.texts(1, "SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.proname = 'patrons_of_age'")
		has(t, "schema of the function", where, app.conn.Config().User)
		if err := tx.Rollback(ctx); err != nil {
			t.Fatal(err)
		}
	}
	r.awaitText(t, "SELECT count(*)::text FROM pg_proc WHERE proname = 'patrons_of_age'", "0")
}
