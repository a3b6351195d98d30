package command_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/admin/access"
	"metadb/internal/admin/command"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
)

// attack is an installation with an administrator's session and analysts, who try to get rights
// that they were not granted. Names of roles are the database's with a suffix.
type attack struct {
	*fixture
	system string
}

// attacks runs a test with a superuser, and with the system user alone, which needs PostgreSQL 16.
func attacks(t *testing.T, test func(t *testing.T, a *attack)) {
	for _, mode := range []struct {
		name string
		open func(testing.TB) *pgtest.DB
		one  bool
	}{
		{"superuser", pgtest.New, false},
		{"superuser on a later version", pgtest.NewLater, false},
		{"one role", pgtest.NewLater, true},
	} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			test(t, newAttack(t, mode.open(t), mode.one))
		})
	}
}

func newAttack(t *testing.T, db *pgtest.DB, one bool) *attack {
	t.Helper()
	system := db.Name + "_system"
	a := &attack{system: system}
	setup := []string{
		"CREATE ROLE " + system + " LOGIN", "GRANT CREATE ON DATABASE " + db.Name + " TO " + system, "GRANT CREATE ON SCHEMA public TO " + system,
	}
	if one {
		// Roles belong to the cluster, which has other databases with other system users.
		setup = append(setup, "ALTER ROLE "+system+" CREATEROLE", "DO $$ BEGIN CREATE ROLE metadb_retired; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
			"GRANT metadb_retired TO "+system+" WITH ADMIN TRUE, INHERIT TRUE, SET TRUE")
	}
	for _, sql := range setup {
		if _, err := db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	own, err := pgxpool.ParseConfig(db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	own.ConnConfig.User = system
	own.ConnConfig.RuntimeParams["search_path"] = "pg_catalog"
	pool, err := pgxpool.NewWithConfig(t.Context(), own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if err := metaschema.Ensure(t.Context(), conn.Conn(), "test"); err != nil {
		t.Fatal(err)
	}
	a.fixture = setUpOn(t, db)
	a.services.DB, a.services.Roles = pool, access.Roles{System: system, Super: pgtest.Superuser}
	if one {
		a.services.Roles.Super, a.services.Super = "", nil
	}
	a.Executor = command.New(a.services)
	return a
}

// name returns the name of a role.
func (a *attack) name(suffix string) string { return a.db.Name + "_" + suffix }

// analyst creates a user and returns its name.
func (a *attack) analyst(suffix string) string {
	a.t.Helper()
	a.expect("create user "+a.name(suffix)+" with password 'p'", "CREATE USER")
	return a.name(suffix)
}

// login opens a session of a role.
func (a *attack) login(role string) *pgx.Conn {
	a.t.Helper()
	config, err := pgx.ParseConfig(a.db.ConnString)
	if err != nil {
		a.t.Fatal(err)
	}
	config.User = role
	conn, err := pgx.ConnectConfig(a.t.Context(), config)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// do executes statements as a role that has logged in; %s stands for its name.
func (a *attack) do(role string, statements ...string) {
	a.t.Helper()
	conn := a.login(role)
	for _, sql := range statements {
		if _, err := conn.Exec(a.t.Context(), strings.ReplaceAll(sql, "%s", role)); err != nil {
			a.t.Fatalf("%s as %s: %v", sql, role, err)
		}
	}
	_ = conn.Close(a.t.Context())
}

// fails executes a statement as a role that has logged in, and returns the SQLSTATE, or the first
// value.
func (a *attack) fails(role, sql string) string {
	a.t.Helper()
	conn := a.login(role)
	defer func() { _ = conn.Close(context.Background()) }()
	var answer string
	err := conn.QueryRow(a.t.Context(), sql).Scan(&answer)
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused.Code
	}
	if err != nil {
		return err.Error()
	}
	return answer
}

// harmless checks that the analysts have got no rights.
func (a *attack) harmless() {
	a.t.Helper()
	var gained string
	const question = `SELECT coalesce(string_agg(rolname, ', '), '') FROM pg_roles
		WHERE rolname LIKE $1 AND (rolsuper OR rolcreatedb OR rolreplication OR rolbypassrls OR rolcreaterole AND rolname NOT LIKE '%\_system')`
	if err := a.db.Pool.QueryRow(a.t.Context(), question, a.db.Name+"\\_%").Scan(&gained); err != nil || gained != "" {
		a.t.Errorf("%s has gained rights (%v)", gained, err)
	}
}

const (
	refused       = "42501"
	escalate      = "create function public.esc() returns trigger language plpgsql as $x$ begin execute 'alter role %s superuser'; return new; end $x$"
	securityOfAll = "create function %s.run(q text) returns text language plpgsql security definer as $$ begin execute q; return current_user; end $$"
)

// TestDropUserLaundersNothing checks that objects that run with their owner's rights do not get
// those of the system user, nor of other dropped users, when their owner is dropped.
func TestDropUserLaundersNothing(t *testing.T) {
	t.Parallel()
	attacks(t, func(t *testing.T, a *attack) {
		accomplice, leaver, reader, earlier := a.analyst("analyst1"), a.analyst("analyst2"), a.analyst("analyst4"), a.analyst("analyst5")
		a.do(a.system, "create schema library", "create table library.payroll as select 'boss' as who, 99999 as pays", "grant usage on schema library to "+reader)
		a.do(earlier, "create table %s.secret as select 'mine' as t")
		a.expect("drop user "+earlier, "NOTICE 2 objects of user")
		a.do(leaver, securityOfAll, "grant usage on schema %s to "+accomplice,
			"create function %s.fire() returns trigger language plpgsql security definer as $$ begin execute new.q; return new; end $$",
			"create table %s.shared as select 1 as n", "grant select (n) on %s.shared to "+accomplice, "create type %s.mood as enum ('sad')",
			"grant usage on type %s.mood to "+accomplice, "create procedure %s.pro() language sql security definer as 'select 1'",
			"create aggregate %s.total(int) (sfunc = int4pl, stype = int)", "create sequence %s.seq")
		a.do(accomplice, "create table %s.q (q text)", "create trigger fire before insert on %s.q for each row execute function "+leaver+".fire()")
		a.do(reader, "create view %s.peek as select * from library.payroll", "grant usage on schema %s to "+accomplice, "grant select on %s.peek to "+accomplice)
		if got := a.fails(accomplice, "select "+leaver+".run('select 1')"); got != leaver {
			t.Fatalf("before: %s", got)
		}

		a.expect("drop user "+leaver, "NOTICE 8 objects of user \""+leaver+"\" handed over to \"metadb_retired\": schema "+leaver+", ")
		a.expect("drop user "+reader, "NOTICE 2 objects of user")
		for _, sql := range []string{
			"select " + leaver + ".run('select 1')", "select " + leaver + ".run($q$" + strings.ReplaceAll(escalate, "%s", accomplice) + "$q$)",
			"select n::text from " + leaver + ".shared", "select who from " + reader + ".peek",
			// The trigger stays, but runs with the rights of the user that inserts.
			"insert into " + accomplice + ".q values ('drop table " + earlier + ".secret') returning q",
			"insert into " + accomplice + ".q values ('select * from library.payroll') returning q",
		} {
			if got := a.fails(accomplice, sql); got != refused {
				t.Errorf("%s: %s", sql, got)
			}
		}
		// The view has no rights, even for a role that may use it.
		if got := a.fails(a.system, "select who from "+reader+".peek"); got != refused {
			t.Errorf("the view shows %s", got)
		}
		for _, sql := range []string{"select n::text from " + leaver + ".shared", "select t from " + earlier + ".secret"} {
			if got := a.fails(a.system, sql); got == refused {
				t.Errorf("%s as the system user: %s", sql, got)
			}
		}
		a.harmless()
	})
}

// TestSystemUserIsNoSuperuser checks that no change that the system user can make to the schemas
// metadb and public is executed with the superuser's rights.
func TestSystemUserIsNoSuperuser(t *testing.T) {
	t.Parallel()
	attacks(t, func(t *testing.T, a *attack) {
		analyst, other := a.analyst("analyst1"), a.analyst("analyst3")
		a.do(a.system, strings.ReplaceAll(strings.ReplaceAll(escalate, "alter role %s superuser", "alter role "+analyst+" superuser"), "return new", "return coalesce(new, old)"),
			"create function public.quote_ident(name) returns text language plpgsql as $x$ begin execute 'alter role "+analyst+" superuser'; return $1; end $x$",
			"create table public.t1 (n int)")
		for _, table := range []string{"acl", "auth", "source", "origin"} {
			a.do(a.system, "create trigger esc before insert or update or delete on metadb."+table+" for each row execute function public.esc()")
		}
		for _, command := range []string{
			"grant access on all to " + analyst, "grant access on table public.t1 to " + analyst, "grant access on function public.mdbversion() to " + analyst,
			"revoke access on all from " + analyst, "create user " + a.name("intruder") + " with password 'p'", "drop user " + other, "deregister user " + analyst,
			"create data source a type kafka options (brokers 'b', topics '^a', consumer_group 'g')",
		} {
			a.run(command) // Most fail: the trigger has no right to do that.
		}
		a.harmless()
		for _, table := range []string{"acl", "auth", "source", "origin"} {
			a.do(a.system, "drop trigger esc on metadb."+table)
		}

		// Rows inserted into metadb.acl by hand are not granted.
		a.do(a.system, "insert into metadb.acl (schema_name, object_name, object_type, privilege, user_name) values ('pg_catalog', 'pg_authid', 't', 'a', '"+analyst+"'), "+
			"('pg_catalog', 'pg_read_file(text)', 'f', 'a', '"+analyst+"'), ('metadb', 'source', 't', 'a', '"+analyst+"')")
		missing, err := access.Missing(t.Context(), a.services.DB)
		if err != nil || len(missing) > 0 {
			t.Errorf("would give %v, %v", missing, err)
		}
		// Existing privileges are not revoked either, until the command that the report names does
		// so.
		a.sql("GRANT SELECT ON pg_catalog.pg_authid, metadb.source TO "+analyst, "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO "+analyst,
			"GRANT USAGE ON SCHEMA metadb TO "+analyst)
		refused, err := access.RefusedGrants(t.Context(), a.services.DB)
		if err != nil || len(refused) != 3 {
			t.Errorf("refused: %v, %v", refused, err)
		}
		for _, grant := range refused {
			result, err := a.Exec(t.Context(), a.parse(grant.Revocation())[0].Command)
			if err != nil {
				t.Fatalf("%s: %v", grant.Revocation(), err)
			}
			// Without a superuser, privileges granted by a superuser stay.
			if left := grant.Schema == "pg_catalog" && a.services.Roles.Super == ""; (len(result.Notices) > 0) != left {
				t.Errorf("%s: %+v", grant.Revocation(), result.Notices)
			}
			for _, notice := range result.Notices {
				a.sql(notice.Hint)
			}
		}
		const given = "SELECT concat_ws(' ', has_table_privilege($1, 'pg_authid', 'SELECT'), has_table_privilege($1, 'metadb.source', 'SELECT'), has_function_privilege($1, 'pg_read_file(text)', 'EXECUTE'))"
		var has string
		if err := a.db.Pool.QueryRow(t.Context(), given, analyst).Scan(&has); err != nil || has != "f f f" {
			t.Errorf("the analyst has %s, %v", has, err)
		}
		if refused, err := access.RefusedGrants(t.Context(), a.services.DB); err != nil || len(refused) > 0 {
			t.Errorf("refused: %v, %v", refused, err)
		}
	})
}

// TestGrantsOfOwnObjectsOnly checks that only objects of Metadb and of registered users can be
// granted.
func TestGrantsOfOwnObjectsOnly(t *testing.T) {
	t.Parallel()
	attacks(t, func(t *testing.T, a *attack) {
		analyst, owner := a.analyst("analyst1"), a.analyst("analyst2")
		a.sql("CREATE TABLE public.somebody (n int)", "CREATE FUNCTION public.somebodys() RETURNS int LANGUAGE sql AS 'SELECT 1'")
		for _, object := range []string{
			"table pg_catalog.pg_authid", "function pg_catalog.pg_read_file(text)", "function pg_catalog.lo_export(oid, text)", "table information_schema.tables",
			"table metadb.source", "table metadb.rejected_event", "table public.somebody", "function public.somebodys()",
		} {
			a.expect("grant access on "+object+" to "+analyst, "42501 "+object+" can't be granted")
		}
		a.do(owner, "create table %s.t as select 1 as n", "create function %s.f() returns int language sql as 'select 1'", "revoke execute on function %s.f() from public")
		for _, object := range []string{"table metadb.base_table", "table metadb.log", "table " + owner + ".t", "function " + owner + ".f()"} {
			a.expect("grant access on "+object+" to "+analyst, "GRANT")
		}
		for sql, want := range map[string]string{
			"select count(*)::text from metadb.base_table": "0", "select n::text from " + owner + ".t": "1", "select " + owner + ".f()::text": "1",
			"select count(*)::text from metadb.source": refused,
		} {
			if got := a.fails(analyst, sql); got != want {
				t.Errorf("%s: %s", sql, got)
			}
		}
		for _, object := range []string{"table metadb.base_table", "table metadb.log", "table " + owner + ".t", "function " + owner + ".f()"} {
			a.expect("revoke access on "+object+" from "+analyst, "REVOKE")
		}
		// mdblog() is usable on its own: the grant includes the tables that it reads.
		if got := a.fails(analyst, "select count(*)::text from public.mdblog()"); got != refused {
			t.Errorf("the log, before: %s", got)
		}
		a.expect("grant access on function public.mdblog(interval) to "+analyst, "GRANT")
		if got := a.fails(analyst, "select count(*)::text from public.mdblog()"); got != "0" {
			t.Errorf("the log: %s", got)
		}
		a.expect("revoke access on function public.mdblog(interval) from "+analyst, "REVOKE")
		if got := a.fails(analyst, "select count(*)::text from metadb.log"); got != refused {
			t.Errorf("the log, after: %s", got)
		}
	})
}

// TestRolesOfOthers checks that roles that Metadb did not make are not dropped, and that those with
// rights beyond the database are not even registered.
func TestRolesOfOthers(t *testing.T) {
	t.Parallel()
	attacks(t, func(t *testing.T, a *attack) {
		dba, connector, app, plain, admin := a.name("dba"), a.name("debezium"), a.name("app"), a.name("plain"), a.name("member")
		a.sql("CREATE ROLE "+dba+" SUPERUSER LOGIN", "CREATE ROLE "+connector+" REPLICATION LOGIN", "CREATE ROLE "+app+" LOGIN", "CREATE ROLE "+plain+" LOGIN",
			"CREATE ROLE "+admin+" LOGIN NOINHERIT", "GRANT "+dba+" TO "+admin, "CREATE DATABASE "+a.name("otherapp")+" OWNER "+app)
		defer a.sql("DROP DATABASE "+a.name("otherapp"), "DROP ROLE "+dba+", "+connector+", "+app+", "+plain+", "+admin)
		for role, right := range map[string]string{dba: "superuser", connector: "replication", app: "owner of database " + a.name("otherapp"), admin: "member of " + dba} {
			want := fmt.Sprintf("42501 user \"%s\" has rights beyond this database: %s", role, right)
			a.expect("register user "+role, want)
			// Rows that the system user inserts itself change nothing.
			a.do(a.system, "insert into metadb.auth (username, created) values ('"+role+"', true)")
			a.expect("drop user "+role, want)
			a.do(a.system, "delete from metadb.auth where username = '"+role+"'")
		}
		a.expect("register user "+plain, "REGISTER USER")
		a.expect("drop user "+plain, "42501 user \""+plain+"\" was not made by create user")
		a.expect("deregister user "+plain, "DEREGISTER USER")
		if got := a.as(pgtest.Superuser, "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = '"+a.name("otherapp")+"'"); got != app {
			t.Errorf("the other database belongs to %s", got)
		}
	})
}

// TestDroppedArgumentType checks that a granted function that was dropped with its argument's type
// does not prevent later grants and revocations.
func TestDroppedArgumentType(t *testing.T) {
	t.Parallel()
	attacks(t, func(t *testing.T, a *attack) {
		owner, analyst := a.analyst("analyst5"), a.analyst("analyst1")
		a.do(owner, "create type %s.t as (n int)", "create type %s.u as (n int)", "create function %s.f(%s.t) returns int language sql as 'select 1'",
			"create function %s.g(%s.u) returns int language sql as 'select 2'", "revoke execute on all functions in schema %s from public")
		a.expect("grant access on function "+owner+".f("+owner+".t) to "+analyst, "GRANT")
		a.expect("grant access on function "+owner+".g("+owner+".u) to "+analyst, "GRANT")
		a.do(owner, "drop type %s.t cascade", "alter type %s.u rename to v")
		a.expect("verify consistency", "metadb.acl|grant without its object|1")
		if missing, err := access.Missing(t.Context(), a.services.DB); err != nil || len(missing) > 0 {
			t.Errorf("missing: %v, %v", missing, err)
		}
		a.expect("grant access on function "+owner+".f("+owner+".t) to "+analyst, "42883 ")
		a.expect("grant access on all to "+analyst, "GRANT")
		a.expect("revoke access on function "+owner+".f("+owner+".t) from "+analyst, "REVOKE")
		a.expect("revoke access on all from "+analyst, "REVOKE")
		// The function is unchanged if its type is renamed.
		if got := a.fails(analyst, "select "+owner+".g(null)::text"); got != "2" {
			t.Errorf("the other function: %s", got)
		}
		a.expect("revoke access on function "+owner+".g("+owner+".v) from "+analyst, "REVOKE")
		if got := a.fails(analyst, "select "+owner+".g(null)::text"); got != refused {
			t.Errorf("the other function, after: %s", got)
		}
		a.expect("deregister user "+analyst, "DEREGISTER USER")
	})
}

// TestCommandsThatWait checks that neither a command about users that waits for a user's lock, nor
// giving rights, blocks batches.
func TestCommandsThatWait(t *testing.T) {
	t.Parallel()
	attacks(t, func(t *testing.T, a *attack) {
		analyst, other := a.analyst("analyst1"), a.analyst("analyst3")
		a.do(analyst, "create table %s.t (n int)")
		a.expect("grant access on table "+analyst+".t to "+other, "GRANT")
		a.do(analyst, "revoke select on %s.t from "+other)
		holder := a.login(analyst)
		for _, sql := range []string{"begin", "lock table " + analyst + ".t", "grant select on " + analyst + ".t to public"} {
			if _, err := holder.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
		a.services.Exclusively = func(do func() error) error {
			begun := time.Now()
			defer func() {
				if took := time.Since(begun); took > pace.Bound(2*time.Second) {
					t.Errorf("batches were kept out for %s", took)
				}
			}()
			return do()
		}
		a.Executor = command.New(a.services)
		done := make(chan string, 1)
		go func() { done <- a.run("drop user " + analyst) }()
		a.awaitLock("REASSIGN OWNED")
		// The server restores rights meanwhile, in a session of its own, which fails for the locked
		// table.
		missing, err := access.Missing(t.Context(), a.services.DB)
		if err != nil || len(missing) != 1 || missing[0].Own {
			t.Errorf("missing: %+v, %v", missing, err)
		}
		db := access.Database{Roles: a.services.Roles, Own: a.services.DB, Administrator: a.services.Super, Exclusively: a.services.Exclusively, LockTimeout: "500ms"}
		if err := db.Do(t.Context(), func(s *access.Session) error { return s.Restore(t.Context(), missing) }); err == nil {
			t.Error("the right was given")
		}
		if _, err := holder.Exec(t.Context(), "rollback"); err != nil {
			t.Fatal(err)
		}
		if got := <-done; !strings.HasPrefix(got, "NOTICE 2 objects of user") {
			t.Errorf("drop user: %s", got)
		}
	})
}

// awaitLock waits until a statement with this beginning waits for a lock.
func (a *attack) awaitLock(begin string) {
	a.t.Helper()
	const question = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock' AND query LIKE $2 || '%'"
	end := time.Now().Add(pace.Hang)
	for waiting := 0; waiting == 0; {
		if time.Now().After(end) {
			a.t.Fatalf("no %s waits", begin)
		}
		if err := a.db.Pool.QueryRow(a.t.Context(), question, a.db.Name, begin).Scan(&waiting); err != nil {
			a.t.Fatal(err)
		}
	}
}
