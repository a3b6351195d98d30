package server

import (
	"slices"
	"strings"
	"testing"

	"metadb/internal/testkit/pgtest"
)

// newOneRole returns an installation without a superuser, as in docs/install.md. The database
// server's administrator executes the statements; %s is the database.
func newOneRole(t *testing.T, options pgtest.Options, statements ...string) *managed {
	t.Helper()
	cluster := pgtest.NewClusterFor(t, options)
	m := &managed{feed: newFeed(t)}
	db := pgtest.NewOn(t, cluster)
	m.sql(t, db, "", append([]string{"CREATE ROLE mdbadmin LOGIN PASSWORD 'secret'"}, statements...)...)
	m.installation = installOn(t, db)
	m.configure(t, "superuser =\n")
	return m
}

// rightsOfOneRole are the rights in docs/install.md.
var rightsOfOneRole = []string{
	"ALTER ROLE mdbadmin CREATEROLE", "ALTER DATABASE %s OWNER TO mdbadmin", "GRANT pg_read_all_stats, pg_signal_backend TO mdbadmin",
	"GRANT SET ON PARAMETER log_parameter_max_length TO mdbadmin",
}

// TestOneRole checks that everything works without a superuser from PostgreSQL 16 on.
func TestOneRole(t *testing.T) {
	m := newOneRole(t, pgtest.Options{Later: true}, rightsOfOneRole...)
	r := m.start(t)
	m.useAccounts(t, r)
	r.admin(t, "alter user anna with password 'z'")
	r.stop(t)

	r = m.start(t)
	r.admin(t, "drop user anna")
	m.sql(t, m.db, "mdbadmin", "SELECT n FROM anna.report")
	r.admin(t, "create user anna with password 'x'")
	r.admin(t, "drop user anna with (drop objects)")
	r.admin(t, "drop user berta with (drop objects)")
	r.awaitText(t, "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%'", "mdbadmin metadb_retired postgres")
	r.stop(t)
	if strings.Contains(r.log.String(), "lacks rights") {
		t.Errorf("the log says:\n%s", r.log)
	}
}

// TestOneRoleThatLacksRights checks that the start logs each missing right with the statement
// that grants it, and that the server streams.
func TestOneRoleThatLacksRights(t *testing.T) {
	m := newOneRole(t, pgtest.Options{Later: true}, "GRANT CREATE ON DATABASE %s TO mdbadmin", "GRANT CREATE ON SCHEMA public TO mdbadmin", "CREATE ROLE carla LOGIN")
	r := m.start(t)
	for _, want := range []string{
		`the system user "mdbadmin" lacks rights: create user and drop user will not work: alter role "mdbadmin" createrole;`,
		"naming whose session holds a lock will not work: grant pg_read_all_stats to \"mdbadmin\";",
		"grant pg_signal_backend to \"mdbadmin\";", "grant set on parameter log_parameter_max_length to \"mdbadmin\";",
	} {
		r.awaitLog(t, want)
	}
	m.mend(t, r)
	r.admin(t, m.feed.source())
	m.feed.change('c', 1, "Ada", "")
	r.awaitText(t, current, "1=Ada")
	r.admin(t, "create user anna with password 'x'")
	r.admin(t, "register user carla")
	const grant = `grant "carla" to "mdbadmin" with admin true, inherit true, set true;`
	if got := r.refused(t, "create schema for user carla"); !strings.HasSuffix(got, "HINT "+grant) {
		t.Errorf("got %s", got)
	}
	// The check of rights changes nothing.
	for range 2 {
		expectUsers(t, r, []string{"anna t f ", "carla f f " + grant})
	}
	r.stop(t)
	r = m.start(t)
	r.awaitLog(t, "for users that others made, will not work: "+grant)
	m.mend(t, r)
	expectUsers(t, r, []string{"anna t f ", "carla f f "})
	r.admin(t, "create schema for user carla")

	// The server of another database has created the role of dropped users; a role was dropped by
	// hand.
	m.sql(t, m.db, "", "CREATE ROLE metadb_retired", "REVOKE anna FROM mdbadmin CASCADE", "DROP OWNED BY anna", "DROP ROLE anna")
	const grantRetired = `grant "metadb_retired" to "mdbadmin" with admin true, inherit true, set true;`
	expectUsers(t, r, []string{`anna t f deregister user "anna";`, "carla f f ", "metadb_retired f f " + grantRetired})
	r.admin(t, `deregister user "anna"`)
	r.stop(t)
	r = m.start(t)
	r.awaitLog(t, "for users that others made, will not work: "+grantRetired)
	m.mend(t, r)
	expectUsers(t, r, []string{"carla f f "})
	r.admin(t, "grant access on all to carla")
	expectUsers(t, r, []string{"carla f t "})
	r.stop(t)
	r = m.start(t)
	r.stop(t)
	if strings.Contains(r.log.String(), "lacks rights") {
		t.Errorf("the log says:\n%s", r.log)
	}
}

// expectUsers compares the rows of "list users".
func expectUsers(t *testing.T, r *running, want []string) {
	t.Helper()
	var got []string
	for _, row := range r.admin(t, "list users") {
		got = append(got, strings.Join(row, " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("list users: %q, want %q", got, want)
	}
}
