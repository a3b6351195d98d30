package access

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/ident"
)

// logStatementParameter is the setting that keeps statement parameters, and with them passwords of
// brokers, out of PostgreSQL's log.
const logStatementParameter = "log_parameter_max_length"

// ErrNeedsSuperuser is the error of an empty superuser on PostgreSQL 15.
var ErrNeedsSuperuser = errors.New("superuser in metadb.conf is empty, and PostgreSQL 15 can't do without one: " +
	"name a superuser, or the administrator of a managed service; from PostgreSQL 16 on the system user is enough")

// ErrNoSystemUser means that the system user's role does not exist.
var ErrNoSystemUser = errors.New("does not exist")

// PrepareError means that the administrator may not grant the system user a right.
type PrepareError struct {
	Statement string
	Err       error
}

func (e *PrepareError) Error() string { return fmt.Sprintf("%s: %v", e.Statement, e.Err) }
func (e *PrepareError) Unwrap() error { return e.Err }

// Prepare grants the system user the rights to create schemas in the database and functions in
// public, and to keep passwords out of PostgreSQL's log. The superuser of metadb.conf executes it
// at each start. It does nothing if the rights exist.
func (r Roles) Prepare(ctx context.Context, conn *pgx.Conn, database string) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL lock_timeout = '"+CommandLockTimeout+"'"); err != nil {
			return err
		}
		admin, err := newAdministrator(ctx, tx)
		if err != nil {
			return err
		}
		return r.prepareAs(ctx, admin, database)
	})
}

func (r Roles) prepareAs(ctx context.Context, admin *administrator, database string) error {
	var exists, inDatabase, inPublic, quiet bool
	const question = "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)"
	if err := admin.tx.QueryRow(ctx, question, r.System).Scan(&exists); err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	if !exists {
		return ErrNoSystemUser
	}
	const rights = `
SELECT pg_catalog.has_database_privilege($1, pg_catalog.current_database(), 'CREATE')
   AND pg_catalog.has_database_privilege($1, pg_catalog.current_database(), 'CONNECT')
   AND pg_catalog.has_database_privilege($1, pg_catalog.current_database(), 'TEMPORARY'),
       pg_catalog.has_schema_privilege($1, 'public', 'CREATE')
   AND pg_catalog.has_schema_privilege($1, 'public', 'USAGE'),
       pg_catalog.has_parameter_privilege($1, $2, 'SET')`
	if err := admin.tx.QueryRow(ctx, rights, r.System, logStatementParameter).Scan(&inDatabase, &inPublic, &quiet); err != nil {
		return fmt.Errorf("look at the rights of %s: %w", r.System, err)
	}
	system := ident.Name(r.System)
	for _, right := range []struct {
		there     bool
		privilege string
	}{
		{inDatabase, "CREATE, CONNECT, TEMPORARY ON DATABASE " + ident.Name(database).SQL()},
		{inPublic, "CREATE, USAGE ON SCHEMA public"},
		{quiet || !admin.super, "SET ON PARAMETER " + logStatementParameter},
	} {
		if right.there {
			continue
		}
		if err := admin.grantPrivilege(ctx, right.privilege, system); err != nil {
			if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
				err = refused
			}
			return &PrepareError{Statement: "GRANT " + right.privilege + " TO " + system.SQL(), Err: err}
		}
	}
	return nil
}

// MissingRight is a missing right: What fails without it, and the Statement that grants it.
type MissingRight struct{ What, Statement string }

func (l MissingRight) String() string { return l.What + " will not work: " + l.Statement }

// MissingRights returns the rights that the administrator lacks; the list is empty for a superuser.
// If Super is empty, the system user is the administrator.
func (db *Database) MissingRights(ctx context.Context) ([]MissingRight, error) {
	var lacking []MissingRight
	err := db.Do(ctx, func(s *Session) error {
		admin, err := s.tx.administrator(ctx)
		if err != nil || admin.super {
			return err
		}
		if s.tx.roles.Super == "" && !admin.granular {
			return ErrNeedsSuperuser
		}
		if lacking, err = s.missingRights(ctx, admin); err != nil {
			return err
		}
		strangers, err := s.foreignUsers(ctx, admin)
		lacking = append(lacking, strangers...)
		return err
	})
	return lacking, err
}

// missingRights returns the missing rights of the administrator itself.
func (s *Session) missingRights(ctx context.Context, admin *administrator) ([]MissingRight, error) {
	var creates, inherits bool
	const question = "SELECT rolcreaterole, rolinherit FROM pg_catalog.pg_roles WHERE rolname = current_user"
	if err := admin.tx.QueryRow(ctx, question).Scan(&creates, &inherits); err != nil {
		return nil, fmt.Errorf("look for the rights of %s: %w", admin.name, err)
	}
	var list []MissingRight
	name := ident.Name(admin.name).SQL()
	if !creates {
		list = append(list, MissingRight{"create user and drop user", "alter role " + name + " createrole;"})
	}
	if !inherits {
		list = append(list, MissingRight{"commands about users and grants", "alter role " + name + " inherit;"})
	}
	if s.tx.roles.Super != "" {
		err := admin.actFor(ctx, s.tx.roles.System)
		if member, ok := errors.AsType[*MembershipError](err); ok {
			return append(list, MissingRight{"commands about users and grants", member.Grant()}), nil
		}
		return list, err
	}
	more, err := s.missingWithoutSuperuser(ctx)
	return append(list, more...), err
}

// missingWithoutSuperuser returns the missing rights of a system user without a superuser to grant
// them.
func (s *Session) missingWithoutSuperuser(ctx context.Context) ([]MissingRight, error) {
	var database string
	var inDatabase, inPublic, stats, signal, quiet bool
	const question = `
SELECT pg_catalog.current_database()::pg_catalog.text,
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AND pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY'),
       pg_catalog.has_schema_privilege('public', 'CREATE') AND pg_catalog.has_schema_privilege('public', 'USAGE'),
       pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'),
       pg_catalog.pg_has_role('pg_signal_backend', 'USAGE'),
       pg_catalog.has_parameter_privilege($1, 'SET')`
	if err := s.tx.own.QueryRow(ctx, question, logStatementParameter).Scan(&database, &inDatabase, &inPublic, &stats, &signal, &quiet); err != nil {
		return nil, fmt.Errorf("look for the rights of %s: %w", s.tx.roles.System, err)
	}
	name := ident.Name(s.tx.roles.System).SQL()
	var list []MissingRight
	for _, right := range []struct {
		has             bool
		what, statement string
	}{
		{inDatabase, "making schemas for sources and users", "grant create, temporary on database " + ident.Name(database).SQL() + " to " + name + ";"},
		{inPublic, "making the functions mdbversion, mdbusers, mdblog and ps", "grant create, usage on schema public to " + name + ";"},
		{stats, "naming whose session holds a lock", "grant pg_read_all_stats to " + name + ";"},
		{signal, "ending sessions that hold up a table", "grant pg_signal_backend to " + name + ";"},
		{quiet, "keeping a broker's password out of PostgreSQL's log, where that logs parameters of statements,", "grant set on parameter " + logStatementParameter + " to " + name + ";"},
	} {
		if !right.has {
			list = append(list, MissingRight{right.what, right.statement})
		}
	}
	return list, nil
}

// foreignUsers returns the registered users that another role created and for which the
// administrator may not act.
func (s *Session) foreignUsers(ctx context.Context, admin *administrator) ([]MissingRight, error) {
	var exists bool
	if err := s.tx.own.QueryRow(ctx, "SELECT pg_catalog.to_regclass('metadb.auth') IS NOT NULL").Scan(&exists); err != nil || !exists {
		return nil, err
	}
	users, err := collectRows[string](ctx, s.tx.own, strangersSQL, RetiredRole)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	var grants []string
	for _, user := range users {
		grant, err := admin.missingMembership(ctx, user)
		if err != nil {
			return nil, err
		}
		if grant != "" {
			grants = append(grants, grant)
		}
	}
	if len(grants) == 0 {
		return nil, nil
	}
	return []MissingRight{{"drop user, create schema for user and grants on what they own, for users that others made,", strings.Join(grants, " ")}}, nil
}

// strangersSQL lists the roles for which the administrator has to act: registered users, and
// RetiredRole ($1) if it exists.
const strangersSQL = `
SELECT r.rolname::pg_catalog.text
  FROM pg_catalog.pg_roles AS r
 WHERE r.rolname = $1 OR EXISTS (SELECT FROM metadb.auth AS a WHERE a.username = r.rolname)
 ORDER BY r.rolname = $1, 1`
