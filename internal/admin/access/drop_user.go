package access

import (
	"context"
	"fmt"

	"metadb/internal/ident"
)

// Dropped lists the objects of a dropped user.
type Dropped struct {
	// Objects are described as PostgreSQL does: "table anna.report".
	Objects []string
}

// DropUser drops a role that CreateUser created. Its objects in this database are handed over to
// RetiredRole and disarmed, or dropped with it.
func (s *Session) DropUser(ctx context.Context, user string, withObjects bool) (Dropped, error) {
	if err := s.registry.checkCreatedHere(ctx, user); err != nil {
		return Dropped{}, err
	}
	s.tx.takesAway = true
	admin, err := s.tx.administratorFor(ctx, user)
	if err != nil {
		return Dropped{}, err
	}
	var dropped Dropped
	if dropped.Objects, err = collectRows[string](ctx, admin.tx, ownedSQL, user); err != nil {
		return Dropped{}, fmt.Errorf("list what the user owns: %w", err)
	}
	// The waits for users' locks happen here, where they delay no stream.
	if withObjects {
		err = s.lockOwned(ctx, admin, user)
	} else if len(dropped.Objects) > 0 {
		err = s.retireUser(ctx, admin, user)
	}
	if err != nil {
		return Dropped{}, err
	}
	s.tx.atEndWithoutBatches(func(ctx context.Context) error {
		// If the objects are kept, RetiredRole owns them by now, and only privileges are left to be
		// dropped.
		if err := admin.dropOwned(ctx, ident.Name(user)); err != nil {
			return err
		}
		if err := admin.dropRole(ctx, ident.Name(user)); err != nil {
			return err
		}
		_, err := s.registry.deleteGrants(ctx, user)
		return err
	})
	return dropped, nil
}

// ownedSQL describes the objects that a user owns in this database.
const ownedSQL = `
SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
  FROM pg_catalog.pg_shdepend AS d
  JOIN pg_catalog.pg_roles AS u ON u.oid = d.refobjid
 WHERE u.rolname = $1 AND d.deptype = 'o' AND d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
   AND d.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
 ORDER BY d.classid <> 'pg_catalog.pg_namespace'::pg_catalog.regclass, 1`

// lockOwned locks the tables of a user, and so waits until no session uses them.
func (s *Session) lockOwned(ctx context.Context, admin *administrator, user string) error {
	type table struct{ Schema, Name ident.Name }
	const question = `
SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_roles AS u ON u.oid = c.relowner
 WHERE u.rolname = $1 AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
 ORDER BY 1, 2`
	tables, err := collectRows[table](ctx, admin.tx, question, user)
	if err != nil {
		return fmt.Errorf("list the tables of the user: %w", err)
	}
	for _, t := range tables {
		if err := admin.lockTable(ctx, ident.Qualified(t)); err != nil {
			return err
		}
	}
	return nil
}

// retireUser hands over a user's objects to RetiredRole, and disarms them.
func (s *Session) retireUser(ctx context.Context, admin *administrator, user string) error {
	exists, err := s.registry.roleExists(ctx, RetiredRole)
	if err != nil {
		return err
	}
	if !exists {
		if err := admin.createRetired(ctx); err != nil {
			return err
		}
	}
	if err := admin.checkRetired(ctx); err != nil {
		return err
	}
	if err := admin.actFor(ctx, RetiredRole); err != nil {
		return err
	}
	// The system user may read the objects of dropped users, and drop them.
	if admin.name != s.tx.roles.System {
		var member bool
		const question = "SELECT pg_catalog.pg_has_role($1::pg_catalog.name, $2::pg_catalog.name, 'USAGE')"
		if err := admin.tx.QueryRow(ctx, question, s.tx.roles.System, RetiredRole).Scan(&member); err != nil {
			return fmt.Errorf("look for the rights of %s: %w", s.tx.roles.System, err)
		}
		if !member {
			if err := admin.addMember(ctx, RetiredRole, s.tx.roles.System); err != nil {
				return err
			}
		}
	}
	if err := admin.reassignOwned(ctx, ident.Name(user), RetiredRole); err != nil {
		return err
	}
	return admin.disarmRetired(ctx)
}

// checkRetired returns an error if RetiredRole has a right: the objects of dropped users would run
// with it.
func (a *administrator) checkRetired(ctx context.Context) error {
	if err := checkOrdinary(ctx, a.tx, RetiredRole); err != nil {
		return err
	}
	var harmless bool
	const question = `
SELECT NOT r.rolcanlogin AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members AS m WHERE m.member = r.oid)
  FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1`
	if err := a.tx.QueryRow(ctx, question, RetiredRole).Scan(&harmless); err != nil {
		return fmt.Errorf("look for the rights of %s: %w", RetiredRole, err)
	}
	if !harmless {
		return &PrivilegedError{Role: RetiredRole, Rights: []string{"it can log in, or is a member of another role"}}
	}
	return nil
}

// definersSQL lists the routines of RetiredRole that run with their owner's rights.
const definersSQL = `
SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_roles AS u ON u.oid = p.proowner
 WHERE u.rolname = $1 AND p.prosecdef
 ORDER BY 1`

// privilegesSQL lists the privileges of other roles on objects of RetiredRole; the empty name is
// PUBLIC. By default PUBLIC may call a function.
const privilegesSQL = `
WITH retired AS (
    SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1
), privileges AS (
    SELECT 'SCHEMA' AS kind, '' AS schema, n.nspname AS name, '' AS signature, n.nspowner AS owner, n.nspacl AS acl
      FROM pg_catalog.pg_namespace AS n
     UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname, '', c.relowner, c.relacl
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
     UNION ALL
    SELECT 'TABLE', n.nspname, c.relname, '', c.relowner, a.attacl
      FROM pg_catalog.pg_attribute AS a
      JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE a.attacl IS NOT NULL
     UNION ALL
    SELECT 'ROUTINE', '', '', p.oid::pg_catalog.regprocedure::pg_catalog.text, p.proowner, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
      FROM pg_catalog.pg_proc AS p
     UNION ALL
    SELECT 'TYPE', n.nspname, t.typname, '', t.typowner, t.typacl
      FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
     WHERE t.typacl IS NOT NULL AND t.typelem = 0
     UNION ALL
    SELECT 'FOREIGN SERVER', '', f.srvname, '', f.srvowner, f.srvacl FROM pg_catalog.pg_foreign_server AS f
     UNION ALL
    SELECT 'LARGE OBJECT', '', '', l.oid::pg_catalog.text, l.lomowner, l.lomacl FROM pg_catalog.pg_largeobject_metadata AS l
)
SELECT DISTINCT p.kind, p.schema::pg_catalog.text, p.name::pg_catalog.text, p.signature,
       CASE x.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(x.grantee)::pg_catalog.text END
  FROM privileges AS p
 CROSS JOIN LATERAL pg_catalog.aclexplode(p.acl) AS x
 WHERE p.owner = (SELECT oid FROM retired) AND x.grantee <> p.owner
 ORDER BY 1, 2, 3, 4, 5`

// heldPrivilege is a privilege that a role has on an object.
type heldPrivilege struct {
	Kind, Schema, Name, Signature, Grantee string
}

// objectSQL returns the object as it follows ON.
func (h heldPrivilege) objectSQL() string {
	switch {
	case h.Signature != "":
		return h.Kind + " " + h.Signature
	case h.Schema == "":
		return h.Kind + " " + ident.Name(h.Name).SQL()
	}
	return h.Kind + " " + ident.Qualified{Schema: ident.Name(h.Schema), Name: ident.Name(h.Name)}.SQL()
}

// granteeSQL returns the role as it follows FROM.
func (h heldPrivilege) granteeSQL() string {
	if h.Grantee == "" {
		return "PUBLIC"
	}
	return ident.Name(h.Grantee).SQL()
}

// disarmRetired makes the routines of RetiredRole run with their callers' rights, and revokes all
// privileges of others on its objects: the role owns the objects of all dropped users, and a
// function of one must not read the tables of another. It includes objects from earlier. It runs
// after the change of owner, so that no other role can change the objects meanwhile.
func (a *administrator) disarmRetired(ctx context.Context) error {
	routines, err := collectRows[string](ctx, a.tx, definersSQL, RetiredRole)
	if err != nil {
		return fmt.Errorf("list functions of dropped users: %w", err)
	}
	for _, signature := range routines {
		if err := a.runAsInvoker(ctx, signature); err != nil {
			return err
		}
	}
	privileges, err := collectRows[heldPrivilege](ctx, a.tx, privilegesSQL, RetiredRole)
	if err != nil {
		return fmt.Errorf("list privileges on what dropped users left: %w", err)
	}
	for _, h := range privileges {
		if err := a.revokeAll(ctx, h.objectSQL(), h.granteeSQL()); err != nil {
			return err
		}
	}
	return nil
}
