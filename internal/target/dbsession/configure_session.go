package dbsession

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// beginSQL makes the next statement independent of the role's settings: it is parsed and planned as
// intended. It also leaves a role that the session was given at login.
const beginSQL = "SET search_path = pg_catalog; SET geqo = off; SET ROLE NONE"

// transactionTimeoutSQL comes before all other statements, in versions that have the setting.
const transactionTimeoutSQL = "SET transaction_timeout = 0"

// newestKnownVersion is the highest major version of PostgreSQL with settings known to this
// package. In later versions they are looked up.
const newestKnownVersion = 18

// Configure applies the settings of a profile to a session. It returns an error of Require if the
// database can't be used.
func Configure(ctx context.Context, conn *pgx.Conn, profile Profile) error {
	if err := Require(conn); err != nil {
		return err
	}
	server := conn.PgConn()
	begin := beginSQL
	if majorVersion(server) >= transactionTimeoutSince {
		begin = transactionTimeoutSQL + "; " + begin
	}
	settings := uniqueSettings(profile.Settings())
	// Both statements use the simple query protocol, since a pooler that shares its connections
	// keeps no prepared statements.
	if majorVersion(server) <= newestKnownVersion {
		err := server.Exec(ctx, begin+"; "+configureSQL(settings, majorVersion(server))).Close()
		if err == nil {
			return nil
		}
		if _, refused := errors.AsType[*pgconn.PgError](err); !refused || server.IsClosed() {
			return fmt.Errorf("begin the session: %w", err)
		}
	}
	if err := server.Exec(ctx, begin).Close(); err != nil {
		return fmt.Errorf("begin the session: %w", err)
	}
	if err := server.Exec(ctx, lookUpSQL(settings)).Close(); err != nil {
		return fmt.Errorf("configure the session: %w", err)
	}
	return nil
}

// uniqueSettings returns each setting once, with its last value.
func uniqueSettings(settings []Setting) []Setting {
	at := make(map[string]int, len(settings))
	var once []Setting
	for _, setting := range settings {
		if i, again := at[setting.Name]; again {
			once[i] = setting
			continue
		}
		at[setting.Name] = len(once)
		once = append(once, setting)
	}
	return once
}

// configureSQL returns the statements that apply those settings that a server of a major version
// has and the session may set. For a list of names and values they are
//
//	SET jit = 'off'; …;
//	SELECT CASE WHEN current_setting('trace_sort', true) IS NOT NULL THEN set_config('trace_sort', 'off', false) END, …,
//	       CASE WHEN has_parameter_privilege('deadlock_timeout', 'SET') THEN set_config('deadlock_timeout', '1s', false) END, …
//
// A setting that the server does not have, or does not accept, is an error, except in the second
// statement. Names and values are constants of this package.
func configureSQL(settings []Setting, version int) string {
	var sets strings.Builder
	var asked []string
	for _, setting := range settings {
		last, ended := settingUntil[setting.Name]
		switch {
		case version < settingSince[setting.Name] || ended && version > last:
		case slices.Contains(restrictedSettings, setting.Name):
			asked = append(asked, setting.setWhereSQL("pg_catalog.has_parameter_privilege('%s', 'SET')"))
		case slices.Contains(uncertainSettings, setting.Name):
			asked = append(asked, setting.setWhereSQL("pg_catalog.current_setting('%s', true) IS NOT NULL"))
		default:
			fmt.Fprintf(&sets, "SET %s = '%s'; ", setting.Name, setting.Value)
		}
	}
	return sets.String() + "SELECT " + strings.Join(asked, ", ")
}

// setWhereSQL returns the expression that applies a setting if a condition holds for its name.
func (s Setting) setWhereSQL(condition string) string {
	return fmt.Sprintf("CASE WHEN "+condition+" THEN pg_catalog.set_config('%s', '%s', false) END", s.Name, s.Name, s.Value)
}

// lookUpSQL returns a statement with the effect of configureSQL that looks up which settings the
// server has, which values they accept and who may set them. It is used if configureSQL fails, or
// for versions after newestKnownVersion, since it takes PostgreSQL several times as long. For a
// list of names and values it is
//
//	SELECT set_config(s.name, coalesce(v.value, s.boot_val), false)
//	  FROM pg_settings AS s LEFT JOIN (VALUES ('jit', 'off'), …) AS v (name, value) ON lower(s.name) = v.name
//	 WHERE (v.name IS NOT NULL OR s.name LIKE 'enable\_%')
//	   AND (s.vartype <> 'enum' OR v.value = ANY (s.enumvals))
//	   AND (s.context = 'user' OR s.context = 'superuser' AND has_parameter_privilege(s.name, 'SET'))
func lookUpSQL(settings []Setting) string {
	return `SELECT pg_catalog.set_config(s.name, coalesce(v.value, s.boot_val), false)
  FROM pg_catalog.pg_settings AS s
  LEFT JOIN (VALUES ` + valuesSQL(settings) + `) AS v (name, value) ON pg_catalog.lower(s.name) = v.name
 WHERE (v.name IS NOT NULL OR s.name LIKE 'enable\_%')
   AND (s.vartype <> 'enum' OR v.value = ANY (s.enumvals))
   AND (s.context = 'user' OR s.context = 'superuser' AND pg_catalog.has_parameter_privilege(s.name, 'SET'))`
}

// valuesSQL lists settings as the rows of VALUES.
func valuesSQL(settings []Setting) string {
	rows := make([]string, len(settings))
	for i, setting := range settings {
		rows[i] = fmt.Sprintf("('%s', '%s')", setting.Name, setting.Value)
	}
	return strings.Join(rows, ", ")
}
