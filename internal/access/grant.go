package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Object is what access is granted to. The zero value is everything.
type Object struct {
	Schema, Name string
	// Function says that it is one, with arguments of these types, as they
	// are written in SQL.
	Function bool
	Types    string
}

// kinds of objects in metadb.acl, and the privilege that is granted, in the letters
// that Metadb 1.x wrote.
const (
	kindTable    = "t"
	kindFunction = "f"
	privilege    = "a"
)

// everything reports whether the object is all there is.
func (o Object) everything() bool { return o == Object{} }

// kind returns the kind of an object that has a name.
func (o Object) kind() string {
	if o.Function {
		return kindFunction
	}
	return kindTable
}

// ComesLater reports whether the object may be granted before it exists: tables
// that Metadb itself makes, when there is something to make them of.
func (o Object) ComesLater() bool {
	if o.Function {
		return false
	}
	return o.Schema == "folio_derived" || o.Schema == "reshare_derived" || o.Schema == "folio_source_record" && o.Name == "marc__t"
}

// Grant grants a registered user access to an object. What it has been granted
// already is no error.
func (r Roles) Grant(ctx context.Context, tx pgx.Tx, user string, o Object) error {
	if err := r.registered(ctx, tx, user); err != nil {
		return err
	}
	if o.everything() {
		return changing(ctx, tx, user, func() error {
			_, err := tx.Exec(ctx, "UPDATE metadb.auth SET access_all = true WHERE username = $1", user)
			return err
		})
	}
	name, err := o.find(ctx, tx)
	if errors.Is(err, ErrNoObject) && o.ComesLater() {
		name, err = o.written(), nil
	}
	if err != nil {
		return err
	}
	return changing(ctx, tx, user, func() error {
		_, err := tx.Exec(ctx, `
			INSERT INTO metadb.acl (schema_name, object_name, object_type, privilege, user_name)
				VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, o.Schema, name, o.kind(), privilege, user)
		return err
	})
}

// Revoke takes a grant back. Where another one still covers the object, the user
// keeps the right.
func (r Roles) Revoke(ctx context.Context, tx pgx.Tx, user string, o Object) error {
	if err := r.registered(ctx, tx, user); err != nil {
		return err
	}
	if o.everything() {
		return changing(ctx, tx, user, func() error {
			tag, err := tx.Exec(ctx, "UPDATE metadb.auth SET access_all = false WHERE username = $1 AND access_all", user)
			if err == nil && tag.RowsAffected() == 0 {
				return ErrNotGranted
			}
			return err
		})
	}
	name, err := o.find(ctx, tx)
	if errors.Is(err, ErrNoObject) {
		// It is gone, but the grant may be there.
		name, err = o.written(), nil
	}
	if err != nil {
		return err
	}
	return changing(ctx, tx, user, func() error {
		tag, err := tx.Exec(ctx, `
			DELETE FROM metadb.acl
				WHERE schema_name = $1 AND object_name = $2 AND object_type = $3 AND privilege = $4 AND user_name = $5`,
			o.Schema, name, o.kind(), privilege, user)
		if err == nil && tag.RowsAffected() == 0 {
			return ErrNotGranted
		}
		return err
	})
}

// written is the object's name as it was given.
func (o Object) written() string {
	if o.Function {
		return o.Name + "(" + o.Types + ")"
	}
	return o.Name
}

// Exists reports whether there is such an object.
func (o Object) Exists(ctx context.Context, tx pgx.Tx) (bool, error) {
	if o.everything() {
		return true, nil
	}
	_, err := o.find(ctx, tx)
	if errors.Is(err, ErrNoObject) {
		return false, nil
	}
	return err == nil, err
}

// find returns the name of an object that exists as metadb.acl has it: a
// function's with the types that PostgreSQL calls its arguments'.
func (o Object) find(ctx context.Context, tx pgx.Tx) (string, error) {
	var name *string
	var err error
	switch o.kind() {
	case kindFunction:
		err = tx.QueryRow(ctx, `
			SELECT quote_ident(p.proname) || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')'
				FROM pg_catalog.pg_proc p
				WHERE p.oid = pg_catalog.to_regprocedure(quote_ident($1) || '.' || quote_ident($2) || '(' || $3 || ')')`,
			o.Schema, o.Name, o.Types).Scan(&name)
	case kindTable:
		err = tx.QueryRow(ctx, `
			SELECT c.relname::text
				FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
				WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`, o.Schema, o.Name).Scan(&name)
	}
	if errors.Is(err, pgx.ErrNoRows) || err == nil && name == nil {
		return "", ErrNoObject
	}
	if err != nil {
		return "", fmt.Errorf("look for %s: %w", o.written(), err)
	}
	return *name, nil
}
