package access

import (
	"context"
	"fmt"

	"metadb/internal/ident"
)

// RefusedGrant is a grant that is stored but has no effect: the object is internal, or belongs
// neither to Metadb nor to a registered user. Existing privileges stay until it is revoked.
type RefusedGrant struct {
	User     string
	Function bool
	Schema   ident.Name
	// Object is a function's name with its types, quoted, or a table's name.
	Object string
}

// Revocation returns the command that revokes the grant.
func (g RefusedGrant) Revocation() string {
	return "revoke access on " + g.String() + " from " + ident.Name(g.User).SQL() + ";"
}

// String returns the object in the form of a command.
func (g RefusedGrant) String() string {
	if g.Function {
		return "function " + g.Schema.SQL() + "." + g.Object
	}
	return "table " + ident.Qualified{Schema: g.Schema, Name: ident.Name(g.Object)}.SQL()
}

// refusedSQL lists the grants on objects that are not grantable.
const refusedSQL = `
SELECT DISTINCT a.user_name::pg_catalog.text, a.object_type = 'f', a.schema_name::pg_catalog.text, a.object_name::pg_catalog.text
  FROM (` + rightsSQL + `) AS r (user_name, schema_name, relation, signature, owner, schema_owner, own, own_schema, usage, given, grantable)
  LEFT JOIN pg_catalog.pg_proc AS p ON p.oid = pg_catalog.to_regprocedure(nullif(r.signature, ''))
  JOIN metadb.acl AS a ON a.user_name = r.user_name AND a.schema_name = r.schema_name
   AND (a.object_type = 't' AND a.object_name = r.relation
        OR a.object_type = 'f' AND (p.oid = a.function_oid OR a.object_name = pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')'))
 WHERE NOT r.grantable
 ORDER BY 1, 2, 3, 4`

// RefusedGrants lists the grants that are stored but have no effect.
func RefusedGrants(ctx context.Context, db Querier) ([]RefusedGrant, error) {
	grants, err := collectRows[RefusedGrant](ctx, db, refusedSQL, "")
	if err != nil {
		return nil, fmt.Errorf("list grants that are not given: %w", err)
	}
	return grants, nil
}

// Left returns the REVOKE statements that the administrator may not execute: for privileges on
// objects of superusers, if it is not a superuser.
func (s *Session) Left() []string { return s.privileges.left }
