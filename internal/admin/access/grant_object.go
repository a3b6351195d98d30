package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/pgcode"
)

// Object is an object to which access is granted. The zero value stands for all objects.
type Object struct {
	Schema, Name string
	// Function is true for a function, with these argument types as written in SQL.
	Function bool
	Types    string
}

// These are the kinds of objects in metadb.acl, and the granted privilege, in the letters of Metadb
// 1.x.
const (
	kindTable    = "t"
	kindFunction = "f"
	privilege    = "a"
)

// isEverything reports whether the object stands for all objects.
func (o Object) isEverything() bool { return o == Object{} }

// objectKind returns the kind of a named object.
func (o Object) objectKind() string {
	if o.Function {
		return kindFunction
	}
	return kindTable
}

// ComesLater reports whether the object may be granted before it exists: a table that Metadb itself
// makes once it has data for it.
func (o Object) ComesLater() bool {
	if o.Function {
		return false
	}
	return o.Schema == "folio_derived" || o.Schema == "reshare_derived" || o.Schema == "folio_source_record" && o.Name == "marc__t"
}

// foundObject is an object that exists, in the form of metadb.acl.
type foundObject struct {
	// name is the name; that of a function has the argument types in PostgreSQL's spelling.
	name string
	// function is the oid of a function.
	function *uint32
	// grantable is true if the object is not internal and belongs to Metadb or a registered user.
	grantable bool
}

// Grant grants a registered user access to an object. An existing grant is no error. It reports
// whether the object exists.
func (s *Session) Grant(ctx context.Context, user string, o Object) (exists bool, err error) {
	if err := s.registry.checkRegistered(ctx, user); err != nil {
		return false, err
	}
	if o.isEverything() {
		return true, s.privileges.changeGrants(ctx, user, func() error {
			_, err := s.tx.own.Exec(ctx, "UPDATE metadb.auth SET access_all = true WHERE username = $1", user)
			return err
		})
	}
	object, err := s.findObject(ctx, o)
	switch {
	case errors.Is(err, ErrNoObject) && o.ComesLater():
		object = foundObject{name: o.writtenName()}
	case err != nil:
		return false, err
	case !object.grantable:
		return false, ErrNotGrantable
	default:
		exists = true
	}
	return exists, s.privileges.changeGrants(ctx, user, func() error {
		_, err := s.tx.own.Exec(ctx, `
			INSERT INTO metadb.acl AS a (schema_name, object_name, object_type, privilege, user_name, function_oid)
				VALUES ($1, $2, $3, $4, $5, $6)
				ON CONFLICT (schema_name, object_name, object_type, privilege, user_name) DO UPDATE SET function_oid = excluded.function_oid`,
			o.Schema, object.name, o.objectKind(), privilege, user, object.function)
		return err
	})
}

// Revoke revokes a grant. If another grant covers the object, the user keeps the right. The object
// need not exist any more.
func (s *Session) Revoke(ctx context.Context, user string, o Object) error {
	if err := s.registry.checkRegistered(ctx, user); err != nil {
		return err
	}
	if o.isEverything() {
		return s.privileges.changeGrants(ctx, user, func() error {
			tag, err := s.tx.own.Exec(ctx, "UPDATE metadb.auth SET access_all = false WHERE username = $1 AND access_all", user)
			if err == nil && tag.RowsAffected() == 0 {
				return ErrNotGranted
			}
			return err
		})
	}
	object, err := s.findObject(ctx, o)
	if errors.Is(err, ErrNoObject) {
		object, err = foundObject{name: o.writtenName()}, nil
	}
	if err != nil {
		return err
	}
	return s.privileges.changeGrants(ctx, user, func() error {
		tag, err := s.tx.own.Exec(ctx, `
			DELETE FROM metadb.acl
				WHERE schema_name = $1 AND object_type = $2 AND privilege = $3 AND user_name = $4
					AND (object_name IN ($5, $6) OR function_oid = $7)`,
			o.Schema, o.objectKind(), privilege, user, object.name, o.writtenName(), object.function)
		if err == nil && tag.RowsAffected() == 0 {
			return ErrNotGranted
		}
		return err
	})
}

// writtenName returns the object's name as the command has it.
func (o Object) writtenName() string {
	if o.Function {
		return o.Name + "(" + o.Types + ")"
	}
	return o.Name
}

// findObject looks up an object.
func (s *Session) findObject(ctx context.Context, o Object) (foundObject, error) {
	var object foundObject
	var err error
	if o.Function {
		if object.function, err = s.findFunction(ctx, o); err != nil {
			return foundObject{}, err
		}
		err = s.tx.own.QueryRow(ctx, `
			WITH owners AS (`+ownersSQL+`)
			SELECT pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')',
					n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'metadb') AND p.proowner IN (SELECT oid FROM owners)
				FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
				WHERE p.oid = $1`, object.function).Scan(&object.name, &object.grantable)
	} else {
		err = s.tx.own.QueryRow(ctx, `
			WITH owners AS (`+ownersSQL+`)
			SELECT c.relname::pg_catalog.text,
					n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND c.relowner IN (SELECT oid FROM owners)
						AND (n.nspname <> 'metadb' OR c.relname IN (`+publicTables+`))
				FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
				WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`, o.Schema, o.Name).Scan(&object.name, &object.grantable)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return foundObject{}, ErrNoObject
	}
	if err != nil {
		return foundObject{}, fmt.Errorf("look for %s: %w", o.writtenName(), err)
	}
	return object, nil
}

// findFunction returns the oid of a function that is written as in SQL. Only the administrator may
// look it up in the schema of a user. PostgreSQL before 16 fails if a type does not exist, and
// every version fails if the name of a type is invalid: the function does not exist then.
func (s *Session) findFunction(ctx context.Context, o Object) (*uint32, error) {
	oid, err := lookUpFunction(ctx, s.tx.own, o)
	if pgcode.Is(err, pgcode.InsufficientPrivilege) {
		admin, failed := s.tx.administrator(ctx)
		if failed != nil {
			return nil, failed
		}
		oid, err = lookUpFunction(ctx, admin.tx, o)
	}
	if isUndefined(err) || err == nil && oid == nil {
		return nil, ErrNoObject
	}
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", o.writtenName(), err)
	}
	return oid, nil
}

// lookUpFunction looks up a function in a subtransaction, so that the transaction can continue
// after an error.
func lookUpFunction(ctx context.Context, tx pgx.Tx, o Object) (oid *uint32, err error) {
	err = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			SELECT pg_catalog.to_regprocedure(pg_catalog.quote_ident($1) || '.' || pg_catalog.quote_ident($2) || '(' || $3 || ')')::pg_catalog.oid`,
			o.Schema, o.Name, o.Types).Scan(&oid)
	})
	return oid, err
}
