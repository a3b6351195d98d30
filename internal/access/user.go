package access

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
)

// Roles are those that no command may touch, beside PostgreSQL's own.
type Roles struct{ System, Super string }

// User is a new user. Verifier is what PostgreSQL stores in place of the
// password; see package scram.
type User struct{ Name, Verifier, Comment string }

// CreateUser makes a role that can log in, registers it, and makes a schema of
// the same name in which it may create objects.
func (r Roles) CreateUser(ctx context.Context, tx pgx.Tx, u User) error {
	exists, err := roleExists(ctx, tx, u.Name)
	switch {
	case err != nil:
		return err
	case exists:
		return ErrRoleExists
	}
	// A role of that name may have been dropped by hand: what is left of it is
	// not for the new one.
	if err := forget(ctx, tx, u.Name); err != nil {
		return err
	}
	verifier, err := literal(ctx, tx, u.Verifier)
	if err != nil {
		return err
	}
	name := ident.Name(u.Name).SQL()
	if _, err := tx.Exec(ctx, "CREATE ROLE "+name+" LOGIN PASSWORD "+verifier); err != nil {
		return err
	}
	if u.Comment != "" {
		comment, err := literal(ctx, tx, u.Comment)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "COMMENT ON ROLE "+name+" IS "+comment); err != nil {
			return err
		}
	}
	if err := r.Register(ctx, tx, u.Name); err != nil {
		return err
	}
	return r.CreateSchema(ctx, tx, u.Name)
}

// Register makes a role one that can be granted access.
func (r Roles) Register(ctx context.Context, tx pgx.Tx, user string) error {
	if err := r.unprotected(ctx, tx, user); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, "INSERT INTO metadb.auth (username) VALUES ($1) ON CONFLICT DO NOTHING", user)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrRegistered
	}
	return err
}

// Deregister takes back everything that a user was granted, and forgets it. The
// role stays; it may be gone already.
func (r Roles) Deregister(ctx context.Context, tx pgx.Tx, user string) error {
	err := r.registered(ctx, tx, user)
	if errors.Is(err, ErrNoRole) {
		tag, err := tx.Exec(ctx, forgetUserSQL, user)
		if err == nil && tag.RowsAffected() == 0 {
			return ErrNoRole
		}
		return err
	}
	if err != nil {
		return err
	}
	return changing(ctx, tx, user, func() error { return forget(ctx, tx, user) })
}

// forgetUserSQL forgets what a user was granted and, which it counts, that it was
// registered.
const forgetUserSQL = `
	WITH grants AS (DELETE FROM metadb.acl WHERE user_name = $1)
	DELETE FROM metadb.auth WHERE username = $1`

func forget(ctx context.Context, tx pgx.Tx, user string) error {
	_, err := tx.Exec(ctx, forgetUserSQL, user)
	return err
}

// CreateSchema makes a schema of the user's name, which it owns.
func (r Roles) CreateSchema(ctx context.Context, tx pgx.Tx, user string) error {
	if err := r.registered(ctx, tx, user); err != nil {
		return err
	}
	if err := ActFor(ctx, tx, user); err != nil {
		return err
	}
	name := ident.Name(user).SQL()
	_, err := tx.Exec(ctx, "CREATE SCHEMA "+name+" AUTHORIZATION "+name)
	return err
}

// DropUser drops a registered role. What it owned in this database goes to the
// system user; it returns how many relations, functions and schemas those are.
func (r Roles) DropUser(ctx context.Context, tx pgx.Tx, user string) (handedOver int, err error) {
	if err := r.registered(ctx, tx, user); err != nil {
		return 0, err
	}
	const owned = `
SELECT count(*)
  FROM pg_catalog.pg_shdepend d JOIN pg_catalog.pg_roles u ON u.oid = d.refobjid
 WHERE u.rolname = $1 AND d.deptype = 'o' AND d.refclassid = 'pg_catalog.pg_authid'::regclass
   AND d.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`
	if err := tx.QueryRow(ctx, owned, user).Scan(&handedOver); err != nil {
		return 0, err
	}
	for _, role := range []string{user, r.System} {
		if err := ActFor(ctx, tx, role); err != nil {
			return 0, err
		}
	}
	name := ident.Name(user).SQL()
	for _, sql := range []string{
		"REASSIGN OWNED BY " + name + " TO " + ident.Name(r.System).SQL(),
		// What is left are privileges.
		"DROP OWNED BY " + name,
		"DROP ROLE " + name,
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return 0, err
		}
	}
	return handedOver, forget(ctx, tx, user)
}

// unprotected returns an error unless the user is a role that may be touched.
func (r Roles) unprotected(ctx context.Context, tx pgx.Tx, user string) error {
	if user == r.System || user == r.Super || strings.HasPrefix(user, "pg_") {
		return ErrProtected
	}
	exists, err := roleExists(ctx, tx, user)
	if err == nil && !exists {
		return ErrNoRole
	}
	return err
}

// registered returns an error unless the user is registered.
func (r Roles) registered(ctx context.Context, tx pgx.Tx, user string) error {
	if err := r.unprotected(ctx, tx, user); err != nil {
		return err
	}
	var there bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM metadb.auth WHERE username = $1)", user).Scan(&there)
	if err == nil && !there {
		return ErrNotRegistered
	}
	return err
}

func roleExists(ctx context.Context, tx pgx.Tx, name string) (bool, error) {
	var exists bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)", name).Scan(&exists); err != nil {
		return false, fmt.Errorf("look for the role: %w", err)
	}
	return exists, nil
}

// literal returns text as a constant: statements about roles take no parameters.
func literal(ctx context.Context, tx pgx.Tx, text string) (string, error) {
	var quoted string
	err := tx.QueryRow(ctx, "SELECT quote_literal($1::text)", text).Scan(&quoted)
	return quoted, err
}
