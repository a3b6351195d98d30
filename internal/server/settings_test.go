package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/testkit/pgtest"
)

// settingsSuperuser is a superuser for this test only, so that its settings do not affect the
// test's own queries.
const settingsSuperuser = "metadb_super"

// unusual contains values for settings for which none can be derived from the type, or for which
// the derived value would prevent every connection.
var unusual = map[string]string{
	"DateStyle": "German, DMY", "TimeZone": "Pacific/Kiritimati", "application_name": "\u00fc", "client_encoding": "LATIN1",
	"default_table_access_method": "heap2", "default_text_search_config": "pg_catalog.french",
	"search_path": "nowhere", "restrict_nonsystem_relation_kind": "view, foreign-table", "session_preload_libraries": "auto_explain",
	"timezone_abbreviations": "Australia", "temp_tablespaces": "settings_no_right", "default_tablespace": "settings_no_right",
	"lc_monetary": "C.UTF-8", "lc_numeric": "C.UTF-8", "lc_time": "C.UTF-8", "lc_messages": "C.UTF-8",
	"createrole_self_grant": "set, inherit", "dynamic_library_path": "/nowhere:$libdir", "extension_control_path": "/nowhere:$system",
	"backtrace_functions": "errstart", "wal_consistency_checking": "all",
	"default_transaction_isolation": "serializable",
	// The minimum is too low for plain statements.
	"max_stack_depth": "400kB", "deadlock_timeout": "1ms", "gin_fuzzy_search_limit": "1",
	"log_min_messages": "error", "log_min_error_statement": "panic", "extra_float_digits": "-15",
	"vacuum_cost_delay": "100", "wal_sender_timeout": "1ms", "icu_validation_level": "error",
	"output_plugin_libraries": "nowhere",
}

// unusualSettings returns an unusual value of each setting that a role may have.
func unusualSettings(t *testing.T, i *installation) [][2]string {
	t.Helper()
	rows, err := i.db.Pool.Query(t.Context(), `
		SELECT name, vartype, boot_val, coalesce(min_val, ''), coalesce(max_val, ''), coalesce(enumvals, '{}'), coalesce(unit, '')
		  FROM pg_settings 
		 WHERE context IN ('user', 'superuser')
		   AND name NOT IN ('transaction_deferrable', 'transaction_isolation', 'transaction_read_only') -- a transaction's own
		   AND name <> 'local_preload_libraries'      -- needs one that is installed
		   AND name NOT LIKE 'plpgsql.%'              -- there once plpgsql has been used
		 ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	var name, kind, lowest, highest, unit string
	var boot *string
	var words []string
	var settings [][2]string
	_, err = pgx.ForEachRow(rows, []any{&name, &kind, &boot, &lowest, &highest, &words, &unit}, func() error {
		value, known := unusual[name]
		if !known {
			switch {
			case kind == "bool" && boot != nil && *boot == "on":
				value = "off"
			case kind == "bool":
				value = "on"
			case kind == "enum":
				at := slices.IndexFunc(words, func(word string) bool { return boot == nil || word != *boot })
				value = words[max(at, 0)]
			case strings.HasSuffix(name, "_timeout") && unit == "ms":
				value = "1"
			case boot != nil && *boot == lowest:
				value = highest
			case kind != "string":
				value = lowest
			default:
				t.Errorf("the test has no value for %s", name)
			}
		}
		settings = append(settings, [2]string{name, value})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// role is not in pg_settings.
	return append(settings, [2]string{"role", "settings_other"})
}

// TestSettingsOfTheRole checks that settings of the roles in metadb.conf do not affect the
// server. It sets an unusual value of each setting that a role may have, many at a time, and
// bisects after a failure. Each version of PostgreSQL has its own settings.
func TestSettingsOfTheRole(t *testing.T) {
	t.Run("installed", func(t *testing.T) { trySettings(t, install(t)) })
	t.Run("later", func(t *testing.T) {
		installed, err := pgtest.Binaries()
		if err != nil {
			t.Fatal(err)
		}
		switch later, err := pgtest.LaterBinaries(); {
		case err != nil:
			t.Fatal(err)
		case testing.Short(), later == installed:
			t.Skip("the long run tries a later version where the installed one is older")
		}
		trySettings(t, installOn(t, pgtest.NewLater(t)))
	})
}

// trySettings tests all settings of an installation's PostgreSQL.
func trySettings(t *testing.T, i *installation) {
	t.Helper()
	for _, sql := range []string{
		"DO $$ BEGIN CREATE ROLE " + settingsSuperuser + " SUPERUSER LOGIN PASSWORD 'secret'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
		"DO $$ BEGIN CREATE ROLE settings_other; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
		"GRANT settings_other TO mdbadmin",
		"ALTER DATABASE " + i.db.Name + " SET allow_in_place_tablespaces = on",
		"CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler",
	} {
		if _, err := i.db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	makeTablespace(t, i.db)
	i.configure(t, "superuser = "+settingsSuperuser+"\nsuperuser_password = secret\n")
	settings := unusualSettings(t, i)
	w := &settingsWorld{installation: i, feed: newFeed(t)}
	w.begin(t)
	const together = 24
	for group := range slices.Chunk(settings, together) {
		w.try(t, group)
	}
	t.Logf("%d settings", len(settings))
}

// makeTablespace creates a tablespace that the system user may not use.
func makeTablespace(t *testing.T, db *pgtest.DB) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	const duplicate = "42710"
	_, err = conn.Exec(t.Context(), "CREATE TABLESPACE settings_no_right LOCATION ''")
	if refused, ok := errors.AsType[*pgconn.PgError](err); err != nil && !(ok && refused.Code == duplicate) {
		t.Fatal(err)
	}
}

// settingsWorld is a server that is started repeatedly on a database.
type settingsWorld struct {
	*installation
	feed   *feed
	rounds int
}

// begin creates the first table, without any setting.
func (w *settingsWorld) begin(t *testing.T) {
	t.Helper()
	r := w.start(t)
	r.admin(t, w.feed.source())
	w.feed.change('r', 1, "Ada", "last")
	r.awaitText(t, current, "1=Ada")
	r.admin(t, "endsync data source sensor with (force_unconfirmed)")
	r.admin(t, "create user settings_reader with password 'x'")
	r.stop(t)
	t.Cleanup(func() {
		_, _ = w.db.Pool.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY settings_reader; DROP ROLE settings_reader")
	})
}

// try sets settings for both roles, and uses the server.
func (w *settingsWorld) try(t *testing.T, settings [][2]string) {
	t.Helper()
	var names []string
	for _, setting := range settings {
		names = append(names, setting[0])
	}
	if t.Run(strings.Join(names, " "), func(t *testing.T) {
		w.set(t, settings)
		w.round(t)
	}) || len(settings) == 1 {
		return
	}
	half := len(settings) / 2
	w.try(t, settings[:half])
	w.try(t, settings[half:])
}

// set sets settings for the roles in the database until the test ends.
func (w *settingsWorld) set(t *testing.T, settings [][2]string) {
	t.Helper()
	for _, role := range []string{"mdbadmin", settingsSuperuser} {
		in := "ALTER ROLE " + role + " IN DATABASE " + w.db.Name
		t.Cleanup(func() {
			if _, err := w.db.Pool.Exec(context.WithoutCancel(t.Context()), in+" RESET ALL"); err != nil {
				t.Error(err)
			}
		})
		for _, setting := range settings {
			if _, err := w.db.Pool.Exec(t.Context(), in+" SET "+setting[0]+" = "+written(setting[0], setting[1])); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// written returns a value as SET accepts it: a constant, or several for a list.
func written(name, value string) string {
	if name == "DateStyle" {
		return value
	}
	return "'" + value + "'"
}

// round starts the server, streams into an existing table and a new one, synchronizes, grants and
// starts again.
func (w *settingsWorld) round(t *testing.T) {
	t.Helper()
	w.rounds++
	name := fmt.Sprintf("n%d", w.rounds)
	r := w.start(t)
	w.feed.change('u', 1, name, "")
	r.awaitText(t, current, "1="+name)
	r.admin(t, "sync data source sensor")
	w.feed.change('r', 1, name+"'", "last")
	r.awaitText(t, current, "1="+name+"'")
	r.await(t, "end of the snapshot", func() error { return r.logged("snapshot complete") })
	r.admin(t, "endsync data source sensor")
	r.admin(t, "grant access on table library.patron__ to settings_reader")
	r.admin(t, "revoke access on table library.patron__ from settings_reader")
	r.admin(t, "list status")
	r.stop(t)
	r = w.start(t)
	w.feed.change('u', 1, name+`"\`, "")
	r.awaitText(t, current, "1="+name+`"\`)
	r.awaitState(t, "active", "")
	r.awaitText(t, "SELECT count(*) FROM metadb.rejected_event", "0")
	r.stop(t)
	for _, said := range []string{"WARNING", "ERROR"} {
		if strings.Contains(r.log.String(), said) {
			t.Errorf("the log has a %s:\n%s", said, r.log)
		}
	}
}
