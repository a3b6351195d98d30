package dbsession_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/dbsession"
	"metadb/internal/testkit/pgtest"
)

// TestConfigure checks that each setting of a profile that the server has is applied, whatever is
// set for the database, and that settings which only affect speed stay.
func TestConfigure(t *testing.T) {
	db := pgtest.New(t)
	for _, setting := range []string{
		"search_path = nowhere", "quote_all_identifiers = on", "idle_session_timeout = '1h'", "enable_indexscan = off", "enable_partitionwise_join = on",
		"exit_on_error = on", "session_replication_role = replica", "geqo_threshold = 2", "work_mem = '1MB'", "datestyle = German", "lock_timeout = '5min'",
	} {
		if _, err := db.Pool.Exec(t.Context(), "ALTER DATABASE "+db.Name+" SET "+setting); err != nil {
			t.Fatal(err)
		}
	}
	config, err := pgx.ParseConfig(db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dbsession.Connect(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	check := func(profile dbsession.Profile, also map[string]string) {
		t.Helper()
		want := make(map[string]string)
		for _, setting := range profile.Settings() {
			want[setting.Name] = setting.Value
		}
		known := 0
		for name, value := range want {
			var have *string
			if err := conn.QueryRow(t.Context(), "SELECT current_setting($1, true)", name).Scan(&have); err != nil {
				t.Fatal(err)
			}
			if have == nil {
				continue // this version does not have it
			}
			known++
			var as string
			if err := conn.QueryRow(t.Context(), "SELECT set_config($1, $2, true)", name, value).Scan(&as); err != nil {
				t.Fatal(err)
			}
			if unquoted := strings.ReplaceAll(*have, `"`, ""); unquoted != as {
				t.Errorf("%s is %s, want %s", name, *have, as)
			}
		}
		if known < 50 {
			t.Errorf("%d of %d settings are known", known, len(want))
		}
		for name, value := range also {
			var have string
			if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&have); err != nil || have != value {
				t.Errorf("%s is %s, want %s (%v)", name, have, value, err)
			}
		}
	}
	check(dbsession.Command, map[string]string{"work_mem": "1MB", "enable_indexscan": "on", "enable_hashjoin": "on", "enable_partitionwise_join": "off"})
	if err := dbsession.Configure(t.Context(), conn, dbsession.Stream); err != nil {
		t.Fatal(err)
	}
	check(dbsession.Stream, map[string]string{"work_mem": "32MB", "enable_indexscan": "on", "enable_hashjoin": "off"})
	sole, err := dbsession.ConnectExclusive(t.Context(), config)
	if err != nil {
		t.Fatalf("no pooler: %v", err)
	}
	conn, first := sole, conn
	check(dbsession.Command, map[string]string{"work_mem": "1MB"})
	if err := first.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
