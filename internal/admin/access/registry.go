package access

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// registry has the registered users and their grants, metadb.auth and metadb.acl, in the system
// user's transaction, and checks what a command may change.
type registry struct {
	roles Roles
	own   pgx.Tx
}

// checkUnprotected returns an error unless commands may change the role.
func (r *registry) checkUnprotected(ctx context.Context, user string) error {
	if user == r.roles.System || user == r.roles.Super || user == RetiredRole || strings.HasPrefix(user, "pg_") {
		return ErrProtected
	}
	exists, err := r.roleExists(ctx, user)
	if err == nil && !exists {
		return ErrNoRole
	}
	return err
}

// checkRegistered returns an error unless the user is registered.
func (r *registry) checkRegistered(ctx context.Context, user string) error {
	if err := r.checkUnprotected(ctx, user); err != nil {
		return err
	}
	var there bool
	err := r.own.QueryRow(ctx, "SELECT EXISTS (SELECT FROM metadb.auth WHERE username = $1)", user).Scan(&there)
	if err == nil && !there {
		return ErrNotRegistered
	}
	return err
}

// checkCreatedHere returns an error unless CreateUser created the user, and it has no rights beyond
// this database.
func (r *registry) checkCreatedHere(ctx context.Context, user string) error {
	if err := r.checkRegistered(ctx, user); err != nil {
		return err
	}
	if err := checkOrdinary(ctx, r.own, user); err != nil {
		return err
	}
	var created bool
	err := r.own.QueryRow(ctx, "SELECT created FROM metadb.auth WHERE username = $1", user).Scan(&created)
	if err == nil && !created {
		return ErrNotCreated
	}
	return err
}

// rightsBeyondSQL lists the rights of a role beyond this database. It reads only pg_catalog, so
// that the result is independent of the schema metadb.
const rightsBeyondSQL = `
SELECT f.label
  FROM pg_catalog.pg_roles AS r
 CROSS JOIN LATERAL (VALUES (1, r.rolsuper, 'superuser'), (2, r.rolcreaterole, 'createrole'), (3, r.rolcreatedb, 'createdb'),
                            (4, r.rolreplication, 'replication'), (5, r.rolbypassrls, 'bypassrls')) AS f (place, has, label)
 WHERE r.rolname = $1 AND f.has
 UNION ALL
SELECT 'member of ' || g.rolname
  FROM pg_catalog.pg_roles AS r
  JOIN pg_catalog.pg_roles AS g ON g.oid <> r.oid AND g.rolname <> 'pg_database_owner'
   AND (g.rolname LIKE 'pg\_%' OR g.rolsuper OR g.rolcreaterole OR g.rolcreatedb OR g.rolreplication OR g.rolbypassrls)
 WHERE r.rolname = $1 AND NOT r.rolsuper AND pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER')
 UNION ALL
SELECT 'owner of ' || pg_catalog.pg_describe_object(d.classid, d.objid, 0)
  FROM pg_catalog.pg_roles AS r
  JOIN pg_catalog.pg_shdepend AS d ON d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.refobjid = r.oid AND d.deptype = 'o' AND d.dbid = 0
 WHERE r.rolname = $1`

// checkOrdinary returns a *PrivilegedError if a role has rights beyond this database.
func checkOrdinary(ctx context.Context, db Querier, user string) error {
	beyond, err := collectRows[string](ctx, db, rightsBeyondSQL, user)
	if err != nil {
		return fmt.Errorf("look for the rights of user %s: %w", user, err)
	}
	if len(beyond) > 0 {
		return &PrivilegedError{Role: user, Rights: beyond}
	}
	return nil
}

// derivedSchemas lists the schemas that Metadb creates in addition to the source's.
const derivedSchemas = "'folio_source_record', 'folio_derived', 'reshare_derived', 'report'"

// checkSchemaFree returns ErrSourceSchema if Metadb has or makes tables in a schema of that name:
// the owner of a schema can replace its tables.
func (r *registry) checkSchemaFree(ctx context.Context, user string) error {
	const question = `
SELECT $1 IN (` + derivedSchemas + `)
    OR EXISTS (SELECT FROM metadb.target_table WHERE $1 IN (schema_name, stored_schema))
    OR EXISTS (SELECT FROM metadb.table_feed WHERE schema_name = $1)
    OR EXISTS (SELECT FROM metadb.base_table WHERE schema_name = $1)`
	var taken bool
	if err := r.own.QueryRow(ctx, question, user).Scan(&taken); err != nil {
		return fmt.Errorf("look for schemas: %w", err)
	}
	if taken {
		return ErrSourceSchema
	}
	return nil
}

func (r *registry) roleExists(ctx context.Context, name string) (bool, error) {
	var exists bool
	if err := r.own.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)", name).Scan(&exists); err != nil {
		return false, fmt.Errorf("look for the role: %w", err)
	}
	return exists, nil
}

// deleteGrants deletes the grants of a user and its registration. It reports whether it was
// registered.
func (r *registry) deleteGrants(ctx context.Context, user string) (known bool, err error) {
	tag, err := r.own.Exec(ctx, `
		WITH grants AS (DELETE FROM metadb.acl WHERE user_name = $1)
		DELETE FROM metadb.auth WHERE username = $1`, user)
	if err != nil {
		return false, fmt.Errorf("forget the user: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// maxNameBytes is the length of PostgreSQL's names.
const maxNameBytes = 63

// retiredName returns an unused name for the schema of a dropped user.
func (r *registry) retiredName(ctx context.Context, schema string) (string, error) {
	for n := 1; ; n++ {
		suffix := "_retired_" + strconv.Itoa(n)
		name := schema
		if over := len(name) + len(suffix) - maxNameBytes; over > 0 {
			name = strings.ToValidUTF8(name[:len(name)-over], "")
		}
		name += suffix
		var taken bool
		const question = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)"
		if err := r.own.QueryRow(ctx, question, name).Scan(&taken); err != nil || !taken {
			return name, err
		}
	}
}

// quoteLiteral returns text as a quoted constant: statements about roles take no parameters.
func (r *registry) quoteLiteral(ctx context.Context, text string) (quoted string, err error) {
	err = r.own.QueryRow(ctx, "SELECT pg_catalog.quote_literal($1::pg_catalog.text)", text).Scan(&quoted)
	return quoted, err
}
