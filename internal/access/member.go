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

const (
	// codeNoPrivilege is the SQLSTATE of a statement that the role has no right to.
	codeNoPrivilege = "42501"
	// granularMembership is the first version of PostgreSQL, as server_version_num has it, in which
	// being a member of a role, having its rights (INHERIT) and becoming it (SET) are three things.
	// https://www.postgresql.org/docs/16/sql-grant.html
	granularMembership = 160000
)

// MembershipError says that the superuser of metadb.conf is none, and may not act for a role.
type MembershipError struct {
	// Role is what it would have to act for, By its own name.
	Role, By string
	// Granular says that the server tells INHERIT and SET apart.
	Granular bool
}

func (e *MembershipError) Error() string {
	return fmt.Sprintf("%q may not act for role %q, as it is no superuser: %s", e.By, e.Role, e.Grant())
}

// Grant is the statement that mends it.
func (e *MembershipError) Grant() string {
	grant := "grant " + ident.Name(e.Role).SQL() + " to " + ident.Name(e.By).SQL()
	if e.Granular {
		return grant + " with admin true, inherit true, set true;"
	}
	return grant + ";"
}

// ActFor lets the session's role do what another one may: own what it owns, and give it away. A
// superuser may do so anyway. A role with CREATEROLE makes itself a member where it can: of any other role up to
// PostgreSQL 15, of those that it made from 16 on. Otherwise the error is a *MembershipError.
func ActFor(ctx context.Context, tx pgx.Tx, role string) error {
	e := &MembershipError{Role: role}
	var may bool
	const question = `
SELECT current_user::text, current_setting('server_version_num')::int >= $2, pg_catalog.pg_has_role($1::name, 'USAGE')`
	if err := tx.QueryRow(ctx, question, role, granularMembership).Scan(&e.By, &e.Granular, &may); err != nil {
		return fmt.Errorf("look for the rights of role %s: %w", role, err)
	}
	if may && e.Granular {
		if err := tx.QueryRow(ctx, "SELECT pg_catalog.pg_has_role($1::name, 'SET')", role).Scan(&may); err != nil {
			return fmt.Errorf("look for the rights of role %s: %w", role, err)
		}
	}
	if may {
		return nil
	}
	grant := "GRANT " + ident.Name(role).SQL() + " TO " + ident.Name(e.By).SQL()
	if e.Granular {
		grant += " WITH INHERIT TRUE, SET TRUE"
	}
	// A statement that fails ends the transaction, but for a savepoint.
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, grant); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT pg_catalog.pg_has_role($1::name, 'USAGE')", role).Scan(&may); err != nil {
			return err
		}
		return nil
	})
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == codeNoPrivilege {
		return e
	}
	if err == nil && !may {
		return e // of a role that inherits nothing
	}
	return err
}

// ownersSQL lists who owns a relation or function, and its schema, but for PostgreSQL's own roles and
// those that the session's role may act for.
const ownersSQL = `
SELECT r.rolname::text
  FROM pg_catalog.pg_roles r
 WHERE r.rolname NOT LIKE 'pg\_%' AND NOT pg_catalog.pg_has_role(r.oid, 'USAGE')
   AND r.oid IN (SELECT nspowner FROM pg_catalog.pg_namespace WHERE nspname = $1
                 UNION ALL
                 SELECT c.relowner FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2
                 UNION ALL
                 SELECT p.proowner FROM pg_catalog.pg_proc p WHERE p.oid = pg_catalog.to_regprocedure(nullif($3, '')))
 ORDER BY 1`

// actForOwners is ActFor for whoever owns what a right is about.
func (r Right) actForOwners(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, ownersSQL, string(r.Schema), string(r.Relation), r.Function)
	if err != nil {
		return fmt.Errorf("look for the owner: %w", err)
	}
	owners, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for the owner: %w", err)
	}
	for _, owner := range owners {
		if err := ActFor(ctx, tx, owner); err != nil {
			return err
		}
	}
	return nil
}

// CheckAdministrator returns what will not work, each with what mends it, if the superuser of
// metadb.conf is none: as on managed services. It makes it a member of the system user where it can.
func (r Roles) CheckAdministrator(ctx context.Context, tx pgx.Tx) ([]string, error) {
	var super, creates, inherits bool
	const question = "SELECT rolsuper, rolcreaterole, rolinherit FROM pg_catalog.pg_roles WHERE rolname = current_user"
	if err := tx.QueryRow(ctx, question).Scan(&super, &creates, &inherits); err != nil {
		return nil, fmt.Errorf("look for the rights of %s: %w", r.Super, err)
	}
	if super {
		return nil, nil
	}
	var lacking []string
	name := ident.Name(r.Super).SQL()
	if !creates {
		lacking = append(lacking, "create user and drop user will not work: alter role "+name+" createrole;")
	}
	if !inherits {
		lacking = append(lacking, "commands about users and grants will not work: alter role "+name+" inherit;")
	}
	err := ActFor(ctx, tx, r.System)
	if member, ok := errors.AsType[*MembershipError](err); ok {
		return append(lacking, "commands about data sources, users and grants will not work: "+member.Grant()), nil
	}
	if err != nil {
		return nil, err
	}
	others, err := r.strangers(ctx, tx)
	if len(others) > 0 {
		lacking = append(lacking, "drop user, create schema for user and grants on what they own will not work for users that others made: "+strings.Join(others, " "))
	}
	return lacking, err
}

// strangers lists the grants that are missing to act for registered users.
func (r Roles) strangers(ctx context.Context, tx pgx.Tx) ([]string, error) {
	var exists bool
	if err := tx.QueryRow(ctx, "SELECT pg_catalog.to_regclass('metadb.auth') IS NOT NULL").Scan(&exists); err != nil || !exists {
		return nil, err
	}
	rows, err := tx.Query(ctx, "SELECT a.username::text FROM metadb.auth a JOIN pg_catalog.pg_roles r ON r.rolname = a.username ORDER BY 1")
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	users, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	var grants []string
	for _, user := range users {
		err := ActFor(ctx, tx, user)
		if member, ok := errors.AsType[*MembershipError](err); ok {
			grants = append(grants, member.Grant())
		} else if err != nil {
			return nil, err
		}
	}
	return grants, nil
}
