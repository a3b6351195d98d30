package command_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/admin/access"
	"metadb/internal/ident"
	"metadb/internal/testkit/pgtest"
)

// role returns the name of a role that is unique among the tests: roles belong to the cluster.
func (f *fixture) role(name string) string {
	return name + ` "` + f.db.Pool.Config().ConnConfig.Database
}

// sql runs statements as the superuser.
func (f *fixture) sql(statements ...string) {
	f.t.Helper()
	for _, sql := range statements {
		if _, err := f.db.Pool.Exec(f.t.Context(), sql); err != nil {
			f.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// as runs a statement with the rights of a role, and returns the SQLSTATE, or the first column of
// the first row.
func (f *fixture) as(role, sql string) string {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), f.db.ConnString)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(f.t.Context(), "SET ROLE "+ident.Name(role).SQL()); err != nil {
		f.t.Fatal(err)
	}
	var answer string
	err = conn.QueryRow(f.t.Context(), sql).Scan(&answer)
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return answer
	case errors.As(err, &refused):
		return refused.Code
	}
	return err.Error()
}

// library creates a table as streams do, with a year of history.
func (f *fixture) library(name string) {
	f.t.Helper()
	f.sql(
		"CREATE SCHEMA IF NOT EXISTS library",
		fmt.Sprintf("CREATE TABLE library.%s__ (__id bigint, __current boolean, __start timestamptz, id int) PARTITION BY LIST (__current)", name),
		fmt.Sprintf("CREATE TABLE library.%s PARTITION OF library.%s__ FOR VALUES IN (true)", name, name),
		fmt.Sprintf("CREATE TABLE library.zzz___%s___ PARTITION OF library.%s__ FOR VALUES IN (false) PARTITION BY RANGE (__start)", name, name),
		fmt.Sprintf("CREATE TABLE library.zzz___%s___2026 PARTITION OF library.zzz___%s___ FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')", name, name),
		fmt.Sprintf(`INSERT INTO metadb.target_table (schema_name, table_name, stored_schema, current_table, main_table, history_table, sync_table, key_columns)
			VALUES ('library', '%[1]s', 'library', '%[1]s', '%[1]s__', 'zzz___%[1]s___', 'zzz___%[1]s___sync', '{id}') ON CONFLICT DO NOTHING`, name),
	)
}

// TestUsers creates, registers and drops users with names that have to be quoted.
func TestUsers(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	system, anna := f.role("system"), f.role("Anna")
	quoted := ident.Name(anna).SQL()
	f.sql("CREATE ROLE " + ident.Name(system).SQL())

	f.expect("create user "+quoted+" with password 'geheim', comment 'it''s her'", "CREATE USER")
	f.expect("create user "+quoted+" with password 'geheim'", fmt.Sprintf("42710 user \"%s\" already exists (13) register user", anna))
	f.expect("create user x with password ''", "22023 the password is empty (29)")
	f.expect("create user "+strings.Repeat("x", 64)+" with password 'p'", "22023 the name of a user is longer than 63 bytes (13)")
	f.expect("register user "+quoted, fmt.Sprintf("42710 user \"%s\" is registered already (15)", anna))
	f.expect("create schema for user "+quoted, "42P06 schema \""+anna+"\" already exists (24)")
	f.expect("create user pg_x with password 'p'", `42939 role name "pg_x" is reserved (13)`)
	f.expect("register user pg_monitor", `42501 user "pg_monitor" belongs to the system (15)`)
	f.expect("register user nobody_here", `42704 user "nobody_here" does not exist (15)`)
	f.expect("drop user postgres", `42501 user "postgres" belongs to the system (11)`)
	f.expect("deregister user "+ident.Name(system).SQL(), fmt.Sprintf("42501 user \"%s\" belongs to the system (17)", system))
	f.expect("register user postgres", `42501 user "postgres" belongs to the system (15)`)

	var verifier, comment string
	row := f.db.Pool.QueryRow(t.Context(), "SELECT rolpassword, shobj_description(oid, 'pg_authid') FROM pg_authid WHERE rolname = $1", anna)
	if err := row.Scan(&verifier, &comment); err != nil || !strings.HasPrefix(verifier, "SCRAM-SHA-256$15000:") || comment != "it's her" {
		t.Errorf("verifier %s, comment %s, %v", verifier, comment, err)
	}
	if strings.Contains(f.log.String(), "geheim") {
		t.Error("the password is in the log")
	}

	// The objects in her schema are kept, and only the system user can read them.
	f.sql("SET ROLE "+quoted+"; CREATE TABLE "+quoted+".report AS SELECT 7 AS n", "RESET ROLE")
	f.expect("drop user "+quoted, fmt.Sprintf("NOTICE 2 objects of user \"%s\" handed over to \"metadb_retired\": schema %[1]s, table %[2]s.report\nDROP USER", anna, quoted))
	if got := f.as(system, "SELECT n::text FROM "+quoted+".report"); got != "7" {
		t.Errorf("what she made: %s", got)
	}
	f.expect("drop user "+quoted, fmt.Sprintf("42704 user \"%s\" does not exist (11)", anna))

	// She is created again, and dropped with all objects.
	f.expect("create user "+quoted+" with password 'p', connection_limit '3'",
		fmt.Sprintf("NOTICE schema \"%s\" of the dropped user of that name is now \"%s_retired_1\"\nCREATE USER", anna, anna))
	if got := f.as("postgres", "SELECT rolconnlimit::text FROM pg_roles WHERE rolname = '"+anna+"'"); got != "3" {
		t.Errorf("the connection limit is %s", got)
	}
	f.sql("SET ROLE "+quoted+"; CREATE TABLE "+quoted+".report (n int)", "RESET ROLE")
	f.expect("drop user "+quoted+" with (drop objects)", fmt.Sprintf("NOTICE 2 objects of user \"%s\" dropped: ", anna))
	if got := f.as("postgres", "SELECT count(*)::text FROM pg_namespace WHERE nspname = '"+anna+"'"); got != "0" {
		t.Error("her schema is there")
	}
	f.expect("create user x with password 'p', connection_limit 'many'", "22023 invalid value for connection_limit: \"many\" (51)")
}

// TestUserDroppedByHand drops registered roles with grants directly in PostgreSQL: the commands can
// remove them, and a new user of the same name gets no rights of the old one.
func TestUserDroppedByHand(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	user := f.role("gone")
	quoted := ident.Name(user).SQL()
	f.library("patron")
	drop := func() {
		t.Helper()
		f.expect("create user "+quoted+" with password 'p'", "CREATE USER")
		f.expect("grant access on all to "+quoted, "GRANT")
		f.sql("DROP OWNED BY "+quoted, "DROP ROLE "+quoted)
	}
	drop()
	f.expect("deregister user "+quoted, "DEREGISTER USER")
	f.expect("deregister user "+quoted, fmt.Sprintf("42704 user \"%s\" does not exist (17)", user))
	drop()
	f.expect("create user "+quoted+" with password 'p'", "CREATE USER")
	if missing, err := access.Missing(t.Context(), f.db.Pool); err != nil || len(missing) > 0 {
		t.Errorf("the new user is to get what the old one had: %v, %v", missing, err)
	}
	if got := f.as(user, "SELECT count(*)::text FROM library.patron"); got != "42501" {
		t.Errorf("the new user reads what the old one was granted: %s", got)
	}
}

// TestDropUserChangesNothingIfItFails drops a user who owns an object in another database.
func TestDropUserChangesNothingIfItFails(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	other := pgtest.New(t).Pool
	user := f.role("owner")
	quoted := ident.Name(user).SQL()
	f.sql("CREATE ROLE " + ident.Name(f.role("system")).SQL())
	f.expect("create user "+quoted+" with password 'p'", "CREATE USER")
	f.library("patron")
	f.expect("grant access on table library.patron__ to "+quoted, "GRANT")
	if _, err := other.Exec(t.Context(), "CREATE SCHEMA theirs AUTHORIZATION "+quoted); err != nil {
		t.Fatal(err)
	}
	f.expect("drop user "+quoted, "2BP01")
	if got := f.as(user, "SELECT count(*)::text FROM library.patron"); got != "0" {
		t.Errorf("the grant is gone: %s", got)
	}
	if _, err := other.Exec(t.Context(), "DROP SCHEMA theirs"); err != nil {
		t.Fatal(err)
	}
	f.expect("drop user "+quoted, "NOTICE 1 object of user")
}

// TestGrants grants, revokes, and restores rights.
func TestGrants(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	user := f.role("reader")
	quoted := ident.Name(user).SQL()
	f.sql("CREATE FUNCTION public.f(int, numeric) RETURNS int LANGUAGE sql AS 'SELECT 1'",
		"REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC")
	f.library("patron")
	f.library("loan")
	f.expect("grant access on table library.patron__ to "+quoted, fmt.Sprintf("42704 user \"%s\" does not exist", user))
	f.expect("create user "+quoted+" with password 'p'", "CREATE USER")
	f.expect("grant access on table library.nothing to "+quoted, "42P01 table library.nothing does not exist (31)")
	f.expect("grant access on function public.f(text) to "+quoted, "42883 function public.f(text) does not exist (33)")
	f.expect("revoke access on table library.patron__ from "+quoted, fmt.Sprintf("42704 access on table library.patron__ has not been granted to %s", quoted))

	can := func(sql string, want string) {
		t.Helper()
		if got := f.as(user, sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	const refused = "42501"
	patron, year := "SELECT count(*)::text FROM library.patron", "SELECT count(*)::text FROM library.zzz___patron___2026"
	can(patron, refused)
	f.expect("grant access on table library.patron__ to "+quoted, "GRANT")
	f.expect("grant access on table library.patron__ to "+quoted, "GRANT")
	f.expect("grant access on function public.f(int, numeric(10, 2)) to "+quoted, "GRANT")
	can(patron, "0")
	can(year, "0")
	can("SELECT f(1, 2)::text", "1")
	can("SELECT count(*)::text FROM library.loan", refused)

	// The table and the function are dropped and created again.
	f.sql("DROP TABLE library.patron__", "DROP FUNCTION public.f(int, numeric)",
		"CREATE FUNCTION public.f(int, numeric) RETURNS int LANGUAGE sql AS 'SELECT 1'", "REVOKE EXECUTE ON FUNCTION public.f(int, numeric) FROM PUBLIC")
	f.library("patron")
	can(year, refused)
	f.restore()
	can(year, "0")
	can(patron, "0")
	can("SELECT f(1, 2)::text", "1")

	// A grant on all covers the existing tables and those that come later.
	f.expect("grant access on all to "+quoted, "GRANT")
	can("SELECT count(*)::text FROM library.loan__", "0")
	can("SELECT count(*)::text FROM metadb.base_table", "0")
	can("SELECT mdbversion()", "Metadb test")
	can("SELECT count(*)::text FROM mdblog()", "0")
	can("SELECT username::text FROM mdbusers()", user)
	can("SELECT count(*)::text FROM metadb.source", refused)
	f.library("item")
	f.restore()
	can("SELECT count(*)::text FROM library.item", "0")

	// Revoking one grant keeps the rights that another grant covers.
	f.expect("revoke access on table library.patron__ from "+quoted, "REVOKE")
	can(patron, "0")
	f.expect("revoke access on all from "+quoted, "REVOKE")
	can(patron, refused)
	can("SELECT count(*)::text FROM library.item", refused)
	can("SELECT count(*)::text FROM metadb.base_table", refused)
	can("SELECT f(1, 2)::text", "1")
	f.expect("grant access on function f(int, numeric) to "+quoted, "22023 the schema of function f(int, numeric) is missing (26) write it: grant access on function SCHEMA.f")
	f.expect("revoke access on function public.f(int, numeric) from "+quoted, "REVOKE")
	can("SELECT f(1, 2)::text", refused)
}

// restore restores missing rights as the server does at intervals.
func (f *fixture) restore() {
	f.t.Helper()
	missing, err := f.missing()
	if err != nil || len(missing) == 0 {
		f.t.Fatalf("missing: %v, %v", missing, err)
	}
	f.give(missing)
	if missing, err = f.missing(); err != nil || len(missing) > 0 {
		f.t.Fatalf("still missing: %v, %v", missing, err)
	}
}

// missing returns the missing rights, in a session like the server's.
func (f *fixture) missing() (missing []access.Right, err error) {
	err = pgx.BeginFunc(f.t.Context(), f.db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(f.t.Context(), "SET LOCAL search_path = pg_catalog"); err != nil {
			return err
		}
		missing, err = access.Missing(f.t.Context(), tx)
		return err
	})
	return missing, err
}

// give grants rights as the server does.
func (f *fixture) give(rights []access.Right) {
	f.t.Helper()
	db := access.Database{Roles: f.services.Roles, Own: f.services.DB, Administrator: f.services.Super, LockTimeout: "5s"}
	if err := db.Do(f.t.Context(), func(s *access.Session) error { return s.Restore(f.t.Context(), rights) }); err != nil {
		f.t.Fatal(err)
	}
}

// TestGrantBeforeTheTable checks that access to tables that Metadb makes itself may be granted
// before they exist, takes effect when they do, and can be revoked.
func TestGrantBeforeTheTable(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	user := f.role("early")
	quoted := ident.Name(user).SQL()
	f.sql("CREATE ROLE " + quoted)
	f.expect("register user "+quoted, "REGISTER USER")
	for _, table := range []string{"folio_source_record.marc__t", "folio_derived.loans_items", "reshare_derived.consortial_view"} {
		f.expect("grant access on table "+table+" to "+quoted, "NOTICE table "+table+" does not exist yet: the grant holds when it does\nGRANT")
	}
	f.expect("grant access on table folio_source_record.records_lb to "+quoted, "42P01 table folio_source_record.records_lb does not exist (43)")
	f.expect("grant access on function folio_derived.f() to "+quoted, "42883 function folio_derived.f() does not exist")
	if got := f.as("postgres", "SELECT string_agg(object_type || privilege || ' ' || object_name, ', ' ORDER BY object_name) FROM metadb.acl"); got != "ta consortial_view, ta loans_items, ta marc__t" {
		t.Errorf("metadb.acl has %s", got)
	}

	f.sql("CREATE SCHEMA folio_source_record; CREATE TABLE folio_source_record.marc__t (field text) PARTITION BY LIST (field)",
		"CREATE TABLE folio_source_record.mt001 PARTITION OF folio_source_record.marc__t FOR VALUES IN ('001'); CREATE SCHEMA folio_derived; CREATE TABLE folio_derived.loans_items (id text)")
	f.restore()
	for _, table := range []string{"folio_source_record.marc__t", "folio_source_record.mt001", "folio_derived.loans_items"} {
		if got := f.as(user, "SELECT count(*)::text FROM "+table); got != "0" {
			t.Errorf("%s: %s", table, got)
		}
	}
	f.expect("revoke access on table folio_derived.loans_items from "+quoted, "REVOKE")
	f.expect("revoke access on table reshare_derived.consortial_view from "+quoted, "REVOKE")
	if got := f.as(user, "SELECT count(*)::text FROM folio_derived.loans_items"); got != "42501" {
		t.Errorf("after revoke: %s", got)
	}
}
