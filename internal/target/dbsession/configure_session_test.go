package dbsession

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/pgtest"
)

// TestConfigureSQL checks that configureSQL has the same effect as lookUpSQL, for a superuser, for
// another role, and for a role with a privilege on a setting, whatever the settings of the database
// are.
func TestConfigureSQL(t *testing.T) {
	db := pgtest.New(t)
	exec := func(sql string) {
		t.Helper()
		if _, err := db.Pool.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
			t.Fatal(err)
		}
	}
	role := db.Name + "_reader"
	exec("CREATE ROLE " + role + " LOGIN")
	t.Cleanup(func() { exec("DROP OWNED BY " + role + "; DROP ROLE " + role) })
	for _, setting := range []string{"enable_sort = off", "enable_partitionwise_join = on", "session_replication_role = replica", "datestyle = German", "jit = on"} {
		exec("ALTER DATABASE " + db.Name + " SET " + setting)
	}
	conn, err := pgx.Connect(t.Context(), db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	known := majorVersion(conn.PgConn())
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := func(role, configure string) map[string]string {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), db.ConnString)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		if role != "" {
			if _, err := conn.Exec(t.Context(), "SET SESSION AUTHORIZATION "+role); err != nil {
				t.Fatal(err)
			}
		}
		if err := conn.PgConn().Exec(t.Context(), beginSQL+"; "+configure).Close(); err != nil {
			t.Fatal(err)
		}
		rows, err := conn.Query(t.Context(), "SELECT name, current_setting(name) AS setting FROM pg_settings")
		if err != nil {
			t.Fatal(err)
		}
		settings := make(map[string]string)
		var name, setting string
		_, err = pgx.ForEachRow(rows, []any{&name, &setting}, func() error {
			settings[name] = strings.ReplaceAll(setting, `"`, "")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return settings
	}
	for _, profile := range []Profile{Command, Stream} {
		settings := uniqueSettings(profile.Settings())
		for _, role := range []string{"", role, role} {
			set, lookedUp := after(role, configureSQL(settings, known)), after(role, lookUpSQL(settings))
			if !maps.Equal(set, lookedUp) {
				for name := range lookedUp {
					if set[name] != lookedUp[name] {
						t.Errorf("profile %d, role %q: %s is %s, want %s", profile, role, name, set[name], lookedUp[name])
					}
				}
			}
			if role != "" {
				exec("GRANT SET ON PARAMETER session_replication_role TO " + role)
			}
		}
		exec("REVOKE SET ON PARAMETER session_replication_role FROM " + role)
	}
}
