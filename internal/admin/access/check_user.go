package access

import (
	"context"
	"fmt"
	"strings"
)

// checkUnprotected returns an error unless commands may change the role.
func (s *Session) checkUnprotected(ctx context.Context, user string) error {
	if user == s.System || user == s.Super || user == RetiredRole || strings.HasPrefix(user, "pg_") {
		return ErrProtected
	}
	exists, err := s.roleExists(ctx, user)
	if err == nil && !exists {
		return ErrNoRole
	}
	return err
}

// checkRegistered returns an error unless the user is registered.
func (s *Session) checkRegistered(ctx context.Context, user string) error {
	if err := s.checkUnprotected(ctx, user); err != nil {
		return err
	}
	var there bool
	err := s.own.QueryRow(ctx, "SELECT EXISTS (SELECT FROM metadb.auth WHERE username = $1)", user).Scan(&there)
	if err == nil && !there {
		return ErrNotRegistered
	}
	return err
}

// checkCreatedHere returns an error unless CreateUser created the user, and it has no rights beyond
// this database.
func (s *Session) checkCreatedHere(ctx context.Context, user string) error {
	if err := s.checkRegistered(ctx, user); err != nil {
		return err
	}
	if err := checkOrdinary(ctx, s.own, user); err != nil {
		return err
	}
	var created bool
	err := s.own.QueryRow(ctx, "SELECT created FROM metadb.auth WHERE username = $1", user).Scan(&created)
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
func (s *Session) checkSchemaFree(ctx context.Context, user string) error {
	const question = `
SELECT $1 IN (` + derivedSchemas + `)
    OR EXISTS (SELECT FROM metadb.target_table WHERE $1 IN (schema_name, stored_schema))
    OR EXISTS (SELECT FROM metadb.table_feed WHERE schema_name = $1)
    OR EXISTS (SELECT FROM metadb.base_table WHERE schema_name = $1)`
	var taken bool
	if err := s.own.QueryRow(ctx, question, user).Scan(&taken); err != nil {
		return fmt.Errorf("look for schemas: %w", err)
	}
	if taken {
		return ErrSourceSchema
	}
	return nil
}

func (s *Session) roleExists(ctx context.Context, name string) (bool, error) {
	var exists bool
	if err := s.own.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)", name).Scan(&exists); err != nil {
		return false, fmt.Errorf("look for the role: %w", err)
	}
	return exists, nil
}
