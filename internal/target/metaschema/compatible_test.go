package metaschema

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/pgtest"
)

// TestFunctionsForReports checks that ps and mdbusers have the columns that FOLIO's Reporting app
// reads, all of them texts that are never NULL, for each role that may call them.
func TestFunctionsForReports(t *testing.T) {
	ctx, db := t.Context(), pgtest.New(t)
	conn := connectTo(t, db.ConnString)
	if err := Ensure(ctx, conn, "v2"); err != nil {
		t.Fatal(err)
	}
	for function, want := range map[string]string{
		"ps":       "TABLE(dbname text, username text, state text, realtime text, query text)",
		"mdbusers": "TABLE(username text)",
	} {
		var got string
		err := conn.QueryRow(ctx, "SELECT pg_get_function_result(to_regprocedure($1))", "public."+function+"()").Scan(&got)
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", function, got, err, want)
		}
	}

	// A session in another database with a statement to be listed.
	other := connectTo(t, pgtest.New(t).ConnString)
	if _, err := other.Exec(ctx, "BEGIN; SELECT 'from the other database'"); err != nil {
		t.Fatal(err)
	}
	reader := "reader_" + db.Name
	if _, err := conn.Exec(ctx, "CREATE ROLE "+reader); err != nil {
		t.Fatal(err)
	}
	type process struct{ DBName, UserName, State, RealTime, Query string }
	for role, query := range map[string]string{"postgres": "from the other database", reader: "<insufficient privilege>"} {
		if _, err := conn.Exec(ctx, "SET ROLE "+role); err != nil {
			t.Fatal(err)
		}
		rows, _ := conn.Query(ctx, "SELECT * FROM ps() ORDER BY realtime") // CollectRows returns its error
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[process])
		if err != nil {
			t.Fatalf("%s: %v", role, err)
		}
		there := false
		for _, p := range found {
			if !regexp.MustCompile(`^\d{2,}:\d\d:\d\d$`).MatchString(p.RealTime) {
				t.Errorf("%s: realtime %q", role, p.RealTime)
			}
			there = there || p.DBName == other.Config().Database && p.UserName == pgtest.Superuser && strings.Contains(p.Query, query)
		}
		if !there {
			t.Errorf("%s does not see the other database: %+v", role, found)
		}
	}
	if _, err := conn.Exec(ctx, "RESET ROLE; DROP ROLE "+reader); err != nil {
		t.Fatal(err)
	}
}

// TestUpgradeKeepsGrantsOnFunctions checks that recreated functions keep the grants of the old
// ones, and that a user's view of an old function still works.
func TestUpgradeKeepsGrantsOnFunctions(t *testing.T) {
	ctx, db := t.Context(), pgtest.New(t)
	conn := connectTo(t, db.ConnString)
	makeBefore(t, conn, "_compatible.sql")
	anna, ben := "anna_"+db.Name, "ben_"+db.Name
	for _, sql := range []string{
		"CREATE ROLE " + anna, "CREATE ROLE " + ben,
		"INSERT INTO metadb.auth (username) VALUES ('" + anna + "'), ('" + ben + "')",
		"INSERT INTO metadb.acl VALUES ('', '', 'all', 'access', '" + anna + "'), ('library', 'patron__', 'table', 'access', '" + ben + "'), ('public', 'mdblog(interval)', 'function', 'access', '" + ben + "')",
		"REVOKE ALL ON FUNCTION ps() FROM PUBLIC", "GRANT EXECUTE ON FUNCTION ps() TO " + anna, "GRANT EXECUTE ON FUNCTION ps() TO " + ben + " WITH GRANT OPTION",
		"CREATE VIEW public.people AS SELECT * FROM mdbusers()",
		"INSERT INTO metadb.table_update VALUES ('library', 'patron', NULL, NULL)",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if err := Upgrade(ctx, conn, "v2"); err != nil {
		t.Fatal(err)
	}
	var owner string
	if err := conn.QueryRow(ctx, "SELECT current_user").Scan(&owner); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"SELECT array_to_string(proacl, ' ') FROM pg_proc WHERE oid = 'public.ps()'::regprocedure":                                             fmt.Sprintf("%s=X/%[1]s %[2]s=X/%[1]s %[3]s=X*/%[1]s", owner, anna, ben),
		"SELECT coalesce(array_to_string(proacl, ' '), '-') FROM pg_proc WHERE proname = 'mdbusers' AND pronamespace = 'public'::regnamespace": "-",
		"SELECT count(*)::text FROM public.people": "2",
		"SELECT string_agg(concat_ws(' ', schema_name, object_name, object_type, privilege), ', ' ORDER BY schema_name) FROM metadb.acl": "library patron__ t a, public mdblog(interval) f a",
		"SELECT string_agg(username, ',') FROM metadb.auth WHERE access_all":                                                             anna,
		"SELECT last_update::date || ' ' || elapsed_real_time FROM metadb.table_update":                                                  "1970-01-01 0",
	} {
		var got string
		if err := conn.QueryRow(ctx, query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", query, got, err, want)
		}
	}
	if _, err := conn.Exec(ctx, fmt.Sprintf("DROP OWNED BY %s, %s; DROP ROLE %[1]s, %[2]s", anna, ben)); err != nil {
		t.Error(err)
	}
}

// makeBefore creates the schema as it was before the file with the suffix.
func makeBefore(t *testing.T, conn *pgx.Conn, suffix string) {
	t.Helper()
	names, err := fs.Glob(schemaFiles, "sql/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	before := slices.IndexFunc(names, func(name string) bool { return strings.HasSuffix(name, suffix) })
	for _, name := range names[:before] {
		text, err := schemaFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), string(text)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if _, err := conn.Exec(t.Context(), fmt.Sprintf("INSERT INTO metadb.init VALUES (%d)", firstVersion-1+before)); err != nil {
		t.Fatal(err)
	}
}

// TestUpgradeOfUsers checks that a user counts as made by "create user" if it has a schema of its
// own and no rights beyond the database, and that granted functions get their oids.
func TestUpgradeOfUsers(t *testing.T) {
	ctx, db := t.Context(), pgtest.New(t)
	conn := connectTo(t, db.ConnString)
	makeBefore(t, conn, "_users.sql")
	user := func(name string) string { return name + "_" + db.Name }
	for _, sql := range []string{
		"CREATE ROLE " + user("own"), "CREATE SCHEMA " + user("own") + " AUTHORIZATION " + user("own"),
		"CREATE ROLE " + user("old"), "CREATE SCHEMA " + user("old"), // as Metadb 1.x does
		"CREATE ROLE " + user("none"), "CREATE ROLE " + user("dba") + " CREATEDB", "CREATE SCHEMA " + user("dba") + " AUTHORIZATION " + user("dba"),
		"INSERT INTO metadb.auth (username) VALUES ('" + user("own") + "'), ('" + user("old") + "'), ('" + user("none") + "'), ('" + user("dba") + "')",
		"CREATE FUNCTION public.f(int, varchar) RETURNS int LANGUAGE sql AS 'SELECT 1'",
		"INSERT INTO metadb.acl VALUES ('public', 'f(int, varchar)', 'f', 'a', '" + user("own") + "'), ('public', 'f(integer, character varying)', 'f', 'a', '" + user("own") + "'), " +
			"('public', 'g(public.gone)', 'f', 'a', '" + user("own") + "')",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if err := Upgrade(ctx, conn, "v2"); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"SELECT string_agg(username, ' ' ORDER BY username) FROM metadb.auth WHERE created":                                                   user("old") + " " + user("own"),
		"SELECT string_agg(object_name || ' ' || coalesce(function_oid::regprocedure::text, '-'), '; ' ORDER BY object_name) FROM metadb.acl": "f(integer, character varying) f(integer,character varying); g(public.gone) -",
	} {
		var got string
		if err := conn.QueryRow(ctx, query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", query, got, err, want)
		}
	}
	for _, name := range []string{"own", "old", "none", "dba"} {
		if _, err := conn.Exec(ctx, fmt.Sprintf("DROP OWNED BY %s CASCADE; DROP ROLE %[1]s", user(name))); err != nil {
			t.Error(err)
		}
	}
}

func connectTo(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
