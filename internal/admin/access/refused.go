package access

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"metadb/internal/ident"
)

// RefusedGrant is a grant that is stored but not given: the object is not Metadb's or a registered
// user's, or internal. What was given before stays until it is revoked.
type RefusedGrant struct {
	User     string
	Function bool
	Schema   ident.Name
	// Object is a function's name with its types, quoted, or a table's name.
	Object string
}

// Revocation is the command that takes the grant back.
func (g RefusedGrant) Revocation() string {
	return "revoke access on " + g.String() + " from " + ident.Name(g.User).SQL() + ";"
}

// String is the object as a command has it.
func (g RefusedGrant) String() string {
	if g.Function {
		return "function " + g.Schema.SQL() + "." + g.Object
	}
	return "table " + ident.Qualified{Schema: g.Schema, Name: ident.Name(g.Object)}.SQL()
}

// refusedSQL lists the grants of which the object is not grantable.
const refusedSQL = `
SELECT DISTINCT a.user_name::pg_catalog.text, a.object_type = 'f', a.schema_name::pg_catalog.text, a.object_name::pg_catalog.text
  FROM (` + rightsSQL + `) AS r (user_name, schema_name, relation, signature, owner, schema_owner, own, own_schema, usage, given, grantable)
  LEFT JOIN pg_catalog.pg_proc AS p ON p.oid = pg_catalog.to_regprocedure(nullif(r.signature, ''))
  JOIN metadb.acl AS a ON a.user_name = r.user_name AND a.schema_name = r.schema_name
   AND (a.object_type = 't' AND a.object_name = r.relation
        OR a.object_type = 'f' AND (p.oid = a.function_oid OR a.object_name = pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')'))
 WHERE NOT r.grantable
 ORDER BY 1, 2, 3, 4`

// RefusedGrants lists what was granted but is not given.
func RefusedGrants(ctx context.Context, db Querier) ([]RefusedGrant, error) {
	grants, err := collectRows[RefusedGrant](ctx, db, refusedSQL, "")
	if err != nil {
		return nil, fmt.Errorf("list grants that are not given: %w", err)
	}
	return grants, nil
}

// Left are the statements that take away what the administrator may not: privileges on what belongs to
// superusers, where it is none.
func (s *Session) Left() []string { return s.left }

// revokeRight takes a right away. On what is not grantable it may have been given by a superuser, to whom
// it is left where the administrator is none.
func (s *Session) revokeRight(ctx context.Context, right Right) error {
	return s.leave(right, right.privilegeSQL(), s.revokeAs(ctx, right.Own, right.Owner, right.privilegeSQL(), ident.Name(right.User)))
}

// revokeUsage takes the right to use a schema away, as revokeRight does.
func (s *Session) revokeUsage(ctx context.Context, right Right) error {
	privilege := "USAGE ON SCHEMA " + right.Schema.SQL()
	return s.leave(right, privilege, s.revokeAs(ctx, right.OwnSchema, right.SchemaOwner, privilege, ident.Name(right.User)))
}

// leave notes what a refused REVOKE leaves to a superuser.
func (s *Session) leave(right Right, privilege string, err error) error {
	if _, refused := errors.AsType[*MembershipError](err); !refused || right.Grantable {
		return err
	}
	// PostgreSQL's own schemas are everybody's.
	if right.Given && !(strings.HasPrefix(privilege, "USAGE") && strings.HasPrefix(string(right.Schema), "pg_")) {
		s.left = append(s.left, "REVOKE "+privilege+" FROM "+ident.Name(right.User).SQL()+";")
	}
	return nil
}
