package server

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/testkit/pgtest"
)

// managed is an installation on a server with a superuser that is not available: the
// administrator is a role dba with CREATEROLE and CREATEDB, as on managed services.
type managed struct {
	*installation
	feed *feed
}

// useAccounts streams, and has users read, share their own tables and lose rights again.
func (m *managed) useAccounts(t *testing.T, r *running) {
	t.Helper()
	r.admin(t, m.feed.source())
	m.feed.change('c', 1, "Ada", "")
	r.awaitText(t, current, "1=Ada")
	for _, user := range []string{"anna", "berta"} {
		r.admin(t, "create user "+user+" with password 'x', comment 'y'")
	}
	r.admin(t, "grant access on all to anna")
	r.admin(t, "grant access on table library.patron__ to berta")
	m.sql(t, m.db, "anna", "SELECT FROM library.patron", "SELECT public.mdbversion()", "CREATE TABLE anna.report AS SELECT 1 AS n")
	r.admin(t, "grant access on table anna.report to berta")
	m.sql(t, m.db, "berta", "SELECT n FROM anna.report", "SELECT FROM library.patron__")
	r.admin(t, "revoke access on table anna.report from berta")
	m.feed.change('u', 1, "Eve", "")
	r.awaitText(t, current, "1=Eve")
}

// newManaged creates one. The provider and the administrator each create their roles; %s is the
// database.
func newManaged(t *testing.T, byProvider, byAdministrator []string) *managed {
	t.Helper()
	cluster := pgtest.NewClusterFor(t, pgtest.Options{})
	db := pgtest.NewOn(t, cluster)
	m := &managed{feed: newFeed(t)}
	m.sql(t, db, "", "CREATE ROLE dba LOGIN CREATEROLE CREATEDB")
	m.sql(t, db, "", byProvider...)
	m.sql(t, db, "dba", byAdministrator...)
	m.installation = installOn(t, db)
	m.configure(t, "superuser = dba\n")
	return m
}

// sql executes statements as a role that has logged in, or as the real superuser if role is
// empty.
func (m *managed) sql(t *testing.T, db *pgtest.DB, role string, statements ...string) {
	t.Helper()
	config, err := pgx.ParseConfig(db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	if role != "" {
		config.User = role
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), strings.ReplaceAll(sql, "%s", db.Name)); err != nil {
			t.Fatalf("%s as %s: %v", sql, config.User, err)
		}
	}
}

// refused executes a command that fails, and returns the error with its hint.
func (r *running) refused(t *testing.T, statement string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=127.0.0.1 port=%d dbname=metadb user=mdbadmin password=secret sslmode=disable", r.port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	_, err = conn.PgConn().Exec(t.Context(), statement).ReadAll()
	if err == nil {
		t.Errorf("%s: no error", statement)
		return ""
	}
	refused := refusal(err)
	return refused.Message + " HINT " + refused.Hint
}

// TestManagedServices checks that everything works with the rights on managed services.
func TestManagedServices(t *testing.T) {
	for name, test := range map[string]struct{ provider, administrator []string }{
		// The rights in docs/install.md.
		"database of the system user": {
			[]string{"ALTER DATABASE %s OWNER TO dba"},
			[]string{"CREATE ROLE mdbadmin LOGIN PASSWORD 'secret'", "DO $$ BEGIN IF current_setting('server_version_num')::int >= 160000 THEN " +
				"EXECUTE 'GRANT mdbadmin TO dba WITH INHERIT TRUE, SET TRUE'; ELSE GRANT mdbadmin TO dba; END IF; END $$", "ALTER DATABASE %s OWNER TO mdbadmin"},
		},
		"database of the administrator": {
			[]string{"ALTER DATABASE %s OWNER TO dba"},
			[]string{"CREATE ROLE mdbadmin LOGIN PASSWORD 'secret'"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newManaged(t, test.provider, test.administrator)
			r := m.start(t)
			m.useAccounts(t, r)
			r.stop(t)

			r = m.start(t)
			r.admin(t, "drop user anna")
			m.sql(t, m.db, "mdbadmin", "SELECT n FROM anna.report")
			r.admin(t, "drop user berta with (drop objects)")
			r.awaitText(t, "SELECT count(*)::text FROM pg_roles WHERE rolname IN ('anna', 'berta')", "0")
			r.stop(t)
			if strings.Contains(r.log.String(), "lacks rights") {
				t.Errorf("the log says:\n%s", r.log)
			}
		})
	}
}

// TestManagedServiceThatLacksRights checks that the start logs the missing rights with the
// statements that grant them, and that the server streams.
func TestManagedServiceThatLacksRights(t *testing.T) {
	m := newManaged(t, []string{
		"ALTER ROLE dba NOCREATEROLE", "CREATE ROLE mdbadmin LOGIN PASSWORD 'secret'", "CREATE ROLE carla LOGIN", "ALTER DATABASE %s OWNER TO mdbadmin",
	}, nil)
	r := m.start(t)
	r.awaitLog(t, "create user and drop user will not work: alter role \"dba\" createrole;")
	m.mend(t, r)
	r.stop(t)
	r = m.start(t)
	r.admin(t, m.feed.source())
	m.feed.change('c', 1, "Ada", "")
	r.awaitText(t, current, "1=Ada")
	r.admin(t, "create user anna with password 'x'")
	r.admin(t, "drop user anna")

	// A role that the superuser created.
	r.admin(t, "register user carla")
	granular := m.granular(t)
	if granular {
		const want = `"dba" may not act for role "carla", as it is no superuser HINT grant "carla" to "dba" with admin true, inherit true, set true;`
		if got := r.refused(t, "create schema for user carla"); got != want {
			t.Errorf("got %s", got)
		}
	}
	r.stop(t)
	r = m.start(t)
	if said := r.logged("for users that others made: grant \"carla\" to \"dba\""); (said == nil) != granular {
		t.Errorf("%v\n%s", said, r.log)
	}
	m.mend(t, r)
	r.admin(t, "create schema for user carla")
	r.admin(t, "deregister user carla")
}

// mend executes the statements in the warnings as the superuser.
func (m *managed) mend(t *testing.T, r *running) {
	t.Helper()
	for line := range strings.Lines(r.log.String()) {
		if !strings.Contains(line, "lacks rights: ") {
			continue
		}
		for _, sql := range regexp.MustCompile(`(alter role|grant) [^;]*;`).FindAllString(line, -1) {
			m.sql(t, m.db, "", sql)
		}
	}
}

// granular reports whether the server separates INHERIT and SET of a membership.
func (m *managed) granular(t *testing.T) (yes bool) {
	t.Helper()
	if err := m.db.Pool.QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int >= 160000").Scan(&yes); err != nil {
		t.Fatal(err)
	}
	return yes
}

func refusal(err error) *pgconn.PgError {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return &pgconn.PgError{Message: err.Error()}
	}
	return refused
}
