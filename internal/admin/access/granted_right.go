package access

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
)

// Right is a privilege that follows from the grants: to read a relation or to call a function, and
// to use its schema.
type Right struct {
	User     string
	Schema   ident.Name
	Relation ident.Name
	// Function is the quoted signature with the schema; Relation is empty then.
	Function string
	// Owner and SchemaOwner own the object and its schema. Own and OwnSchema are true if the system
	// user has the owner's rights and the owner is not a registered user, who may hold locks for
	// any time.
	Owner, SchemaOwner string
	Own, OwnSchema     bool
	// Usage is true if the user may use the schema, Given if it has the privilege as well.
	Usage, Given bool
	// Grantable is false if the object belongs neither to Metadb nor to a registered user: the
	// privilege can be revoked, but is not granted.
	Grantable bool
}

// Querier queries the database.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// collectRows returns the rows of a query, each as a value or as a struct by position.
func collectRows[T any](ctx context.Context, db Querier, sql string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	var one T
	if _, plain := any(one).(string); plain {
		return pgx.CollectRows(rows, pgx.RowTo[T])
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

// publicTables are the tables of the schema metadb that can be granted. Others contain passwords of
// brokers (source) or rows of every table (rejected_event).
const publicTables = "'acl', 'auth', 'base_table', 'init', 'log', 'maintenance', 'origin', 'stream_position', 'table_update', 'transform_json'"

// ownersSQL selects the roles that own grantable objects: the system user and registered users, but
// not those with special rights.
const ownersSQL = `
    SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
    UNION
    SELECT r.oid FROM pg_catalog.pg_roles r JOIN metadb.auth a ON a.username = r.rolname
     WHERE NOT (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)`

// matchSQL finds the functions p, in the schema n, of a grant g. Only PostgreSQL 16 and later look
// up a signature without an error if a type does not exist. A function with renamed argument types
// is found by its oid, which after a restore may be that of any function.
const matchSQL = `n.nspname = g.schema_name AND pg_catalog.starts_with(g.object_name, pg_catalog.quote_ident(p.proname) || '(')
       AND (p.oid = g.function_oid OR g.object_name = pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')')`

// rightsSQL lists the rights of one user, or of all users if the name is empty. A main table stands
// for all its partitions; "all" stands for every main table with its partitions, the public tables
// of the schema metadb, and the functions that are installed with it. A grant on such a function
// includes the tables that it reads. Partitions are looked up in pg_inherits: pg_partition_tree
// would lock them, and a command that waits for a user's lock would block changes of their tables.
const rightsSQL = `
WITH RECURSIVE owners AS (` + ownersSQL + `
), users AS (
    SELECT r.oid FROM pg_catalog.pg_roles r JOIN metadb.auth a ON a.username = r.rolname
), granted AS (
    SELECT a.*, r.oid AS role,
           a.schema_name NOT LIKE 'pg\_%' AND a.schema_name <> 'information_schema'
               AND (a.schema_name <> 'metadb' OR a.object_type = 't' AND a.object_name IN (` + publicTables + `)) AS listed
      FROM metadb.acl a JOIN pg_catalog.pg_roles r ON r.rolname = a.user_name
     WHERE $1 IN ('', a.user_name)
), all_granted AS (
    SELECT a.username AS user_name, r.oid AS role
      FROM metadb.auth a JOIN pg_catalog.pg_roles r ON r.rolname = a.username
     WHERE a.access_all AND $1 IN ('', a.username)
), named AS (
    SELECT g.user_name, g.role, c.oid, g.listed
      FROM granted g
      JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema_name
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.object_name
     WHERE g.object_type = 't'
    UNION
    SELECT g.user_name, g.role, c.oid, true
      FROM granted g
      JOIN pg_catalog.pg_class c ON c.oid = CASE g.object_name WHEN 'mdblog(interval)' THEN 'metadb.log'::pg_catalog.regclass WHEN 'mdbusers()' THEN 'metadb.auth'::pg_catalog.regclass END
     WHERE g.object_type = 'f' AND g.schema_name = 'public'
    UNION
    SELECT g.user_name, g.role, c.oid, true
      FROM all_granted g
     CROSS JOIN metadb.target_table t
      JOIN pg_catalog.pg_namespace n ON n.nspname = t.stored_schema
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.main_table
    UNION
    SELECT g.user_name, g.role, c.oid, true
      FROM all_granted g
      JOIN pg_catalog.pg_class c ON c.oid IN ('metadb.base_table'::pg_catalog.regclass, 'metadb.log'::pg_catalog.regclass,
                                              'metadb.table_update'::pg_catalog.regclass, 'metadb.auth'::pg_catalog.regclass)
), tree AS (
    SELECT user_name, role, oid, listed FROM named
    UNION
    SELECT t.user_name, t.role, i.inhrelid, t.listed
      FROM tree t
      JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relkind = 'p'
      JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
), relations AS (
    SELECT user_name, role, oid, pg_catalog.bool_or(listed) AS listed FROM tree GROUP BY user_name, role, oid
), functions AS (
    SELECT user_name, role, oid, pg_catalog.bool_or(listed) AS listed
      FROM (SELECT g.user_name, g.role, p.oid, g.listed
              FROM granted g
              JOIN pg_catalog.pg_proc p ON true
              JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
             WHERE g.object_type = 'f' AND ` + matchSQL + `
            UNION ALL
            SELECT g.user_name, g.role, p.oid, true
              FROM all_granted g
              JOIN pg_catalog.pg_proc p ON p.pronamespace = 'public'::pg_catalog.regnamespace AND p.proname IN ('mdbversion', 'mdbusers', 'mdblog', 'ps')) AS every
     GROUP BY user_name, role, oid
), objects AS (
    SELECT r.user_name, r.role, c.relnamespace AS namespace, c.relname::pg_catalog.text AS relation, '' AS function, c.relowner AS owner,
           pg_catalog.has_table_privilege(r.role, c.oid, 'SELECT') AS has, r.listed
      FROM relations r JOIN pg_catalog.pg_class c ON c.oid = r.oid
     UNION ALL
    SELECT f.user_name, f.role, p.pronamespace, '', p.oid::pg_catalog.regprocedure::pg_catalog.text, p.proowner,
           pg_catalog.has_function_privilege(f.role, p.oid, 'EXECUTE'), f.listed
      FROM functions f JOIN pg_catalog.pg_proc p ON p.oid = f.oid
)
SELECT o.user_name::pg_catalog.text, n.nspname::pg_catalog.text, o.relation, o.function,
       pg_catalog.pg_get_userbyid(o.owner)::pg_catalog.text, pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text,
       pg_catalog.pg_has_role(o.owner, 'USAGE') AND o.owner NOT IN (SELECT oid FROM users),
       pg_catalog.pg_has_role(n.nspowner, 'USAGE') AND n.nspowner NOT IN (SELECT oid FROM users),
       u.usage, u.usage AND o.has,
       o.listed AND o.owner IN (SELECT oid FROM owners) AND (u.usage OR n.nspowner IN (SELECT oid FROM owners) OR n.nspname = 'public')
  FROM objects o
  JOIN pg_catalog.pg_namespace n ON n.oid = o.namespace
 CROSS JOIN LATERAL (SELECT pg_catalog.has_schema_privilege(o.role, n.oid, 'USAGE') AS usage) u
 ORDER BY 1, 2, 3, 4`

// Rights lists the rights that follow from the grants of a user, or of all users if the name is
// empty. Objects that do not exist are left out.
func Rights(ctx context.Context, db Querier, user string) ([]Right, error) {
	rights, err := collectRows[Right](ctx, db, rightsSQL, user)
	if err != nil {
		return nil, fmt.Errorf("list rights: %w", err)
	}
	return rights, nil
}

// Missing lists granted rights that users do not have: the object was created or replaced after the
// grant.
func Missing(ctx context.Context, db Querier) ([]Right, error) {
	rows, err := db.Query(ctx, "(SELECT FROM metadb.acl LIMIT 1) UNION ALL (SELECT FROM metadb.auth WHERE access_all LIMIT 1)")
	if err != nil {
		return nil, fmt.Errorf("list rights: %w", err)
	}
	granted := rows.Next()
	rows.Close()
	if err := rows.Err(); err != nil || !granted { // without grants there is nothing to look up
		return nil, err
	}
	all, err := Rights(ctx, db, "")
	var missing []Right
	for _, right := range all {
		if !right.Given && right.Grantable {
			missing = append(missing, right)
		}
	}
	return missing, err
}

// Restore grants rights.
func (s *Session) Restore(ctx context.Context, rights []Right) error {
	return s.privileges.restore(ctx, rights)
}

// privilegeSQL returns the privilege as it follows GRANT or REVOKE.
func (r Right) privilegeSQL() string {
	if r.Function != "" {
		return "EXECUTE ON ROUTINE " + r.Function
	}
	return "SELECT ON " + ident.Qualified{Schema: r.Schema, Name: r.Relation}.SQL()
}
