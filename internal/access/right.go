package access

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
)

// Right is a privilege that follows from what is granted: to read a relation or
// to call a function, and to use its schema.
type Right struct {
	User     string
	Schema   ident.Name
	Relation ident.Name
	// Function is the signature, quoted, with its schema; Relation is empty
	// then.
	Function string
	// Given says that the user has it.
	Given bool
}

// Querier asks the database.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// rightsSQL lists the rights of one user, or of all if that is empty. A table's
// main table stands for all its partitions; "all" are every main table with its
// partitions, the tables of the schema metadb that are public, and the functions
// that come with it.
const rightsSQL = `
WITH granted AS (
    SELECT a.*, r.oid AS role
      FROM metadb.acl a JOIN pg_catalog.pg_roles r ON r.rolname = a.user_name
     WHERE $1 IN ('', a.user_name)
), all_granted AS (
    SELECT a.username AS user_name, r.oid AS role
      FROM metadb.auth a JOIN pg_catalog.pg_roles r ON r.rolname = a.username
     WHERE a.access_all AND $1 IN ('', a.username)
), named AS (
    SELECT g.user_name, g.role, c.oid
      FROM granted g
      JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema_name
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.object_name
     WHERE g.object_type = 't'
    UNION
    SELECT g.user_name, g.role, c.oid
      FROM all_granted g
     CROSS JOIN metadb.target_table t
      JOIN pg_catalog.pg_namespace n ON n.nspname = t.stored_schema
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.main_table
    UNION
    SELECT g.user_name, g.role, c.oid
      FROM all_granted g
      JOIN pg_catalog.pg_class c ON c.oid IN ('metadb.base_table'::regclass, 'metadb.log'::regclass, 'metadb.table_update'::regclass, 'metadb.auth'::regclass)
), relations AS (
    SELECT user_name, role, oid FROM named
    UNION
    SELECT n.user_name, n.role, p.relid
      FROM named n
      JOIN pg_catalog.pg_class c ON c.oid = n.oid AND c.relkind = 'p'
     CROSS JOIN LATERAL pg_catalog.pg_partition_tree(c.oid) p
), functions AS (
    SELECT g.user_name, g.role, pg_catalog.to_regprocedure(pg_catalog.quote_ident(g.schema_name) || '.' || g.object_name) AS oid
      FROM granted g
     WHERE g.object_type = 'f'
    UNION
    SELECT g.user_name, g.role, p.oid
      FROM all_granted g
      JOIN pg_catalog.pg_proc p ON p.pronamespace = 'public'::regnamespace AND p.proname IN ('mdbversion', 'mdbusers', 'mdblog', 'ps')
)
SELECT r.user_name::text, n.nspname::text, c.relname::text, '',
       pg_catalog.has_table_privilege(r.role, c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(r.role, n.oid, 'USAGE')
  FROM relations r
  JOIN pg_catalog.pg_class c ON c.oid = r.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 UNION ALL
SELECT f.user_name::text, n.nspname::text, '', f.oid::regprocedure::text,
       pg_catalog.has_function_privilege(f.role, f.oid, 'EXECUTE') AND pg_catalog.has_schema_privilege(f.role, n.oid, 'USAGE')
  FROM functions f
  JOIN pg_catalog.pg_proc p ON p.oid = f.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 ORDER BY 1, 2, 3, 4`

// Rights lists what a user may do by what was granted, every user if the name is
// empty. What was granted and does not exist now is left out.
func Rights(ctx context.Context, db Querier, user string) ([]Right, error) {
	rows, err := db.Query(ctx, rightsSQL, user)
	if err != nil {
		return nil, fmt.Errorf("list rights: %w", err)
	}
	rights, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Right])
	if err != nil {
		return nil, fmt.Errorf("list rights: %w", err)
	}
	return rights, nil
}

// Missing lists the rights that were granted and are not there: the object came
// later, or was made anew.
func Missing(ctx context.Context, db Querier) ([]Right, error) {
	all, err := Rights(ctx, db, "")
	var missing []Right
	for _, right := range all {
		if !right.Given {
			missing = append(missing, right)
		}
	}
	return missing, err
}

// Restore gives rights.
func Restore(ctx context.Context, tx pgx.Tx, rights []Right) error {
	for _, right := range rights {
		if err := right.actForOwners(ctx, tx); err != nil {
			return err
		}
		user := ident.Name(right.User).SQL()
		for _, sql := range []string{"GRANT USAGE ON SCHEMA " + right.Schema.SQL() + " TO " + user, right.grant() + " TO " + user} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
	}
	return nil
}

// grant is GRANT without the user.
func (r Right) grant() string {
	if r.Function != "" {
		return "GRANT EXECUTE ON FUNCTION " + r.Function
	}
	return "GRANT SELECT ON " + ident.Qualified{Schema: r.Schema, Name: r.Relation}.SQL()
}

// revoke is REVOKE without the user.
func (r Right) revoke() string {
	if r.Function != "" {
		return "REVOKE EXECUTE ON FUNCTION " + r.Function
	}
	return "REVOKE SELECT ON " + ident.Qualified{Schema: r.Schema, Name: r.Relation}.SQL()
}

// changing carries out a change of what a user is granted: rights that it had
// before and has no more are taken away, those that are missing given.
func changing(ctx context.Context, tx pgx.Tx, user string, change func() error) error {
	before, err := Rights(ctx, tx, user)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := Rights(ctx, tx, user)
	if err != nil {
		return err
	}
	kept, schemas := make(map[string]bool), make(map[ident.Name]bool)
	var missing []Right
	for _, right := range after {
		kept[right.grant()], schemas[right.Schema] = true, true
		if !right.Given {
			missing = append(missing, right)
		}
	}
	taken := make(map[ident.Name]bool)
	for _, right := range before {
		if kept[right.grant()] {
			continue
		}
		if err := right.actForOwners(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, right.revoke()+" FROM "+ident.Name(user).SQL()); err != nil {
			return fmt.Errorf("%s: %w", right.revoke(), err)
		}
		taken[right.Schema] = true
	}
	for schema := range taken {
		if schemas[schema] || schema == "public" || string(schema) == user {
			continue
		}
		if _, err := tx.Exec(ctx, "REVOKE USAGE ON SCHEMA "+schema.SQL()+" FROM "+ident.Name(user).SQL()); err != nil {
			return fmt.Errorf("revoke usage of schema %s: %w", schema, err)
		}
	}
	return Restore(ctx, tx, missing)
}
