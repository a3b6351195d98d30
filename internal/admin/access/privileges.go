package access

import (
	"context"
	"errors"
	"strings"

	"metadb/internal/ident"
)

// privileges are the privileges in PostgreSQL that follow from the stored grants, as a command
// changes them.
type privileges struct {
	tx *transactions
	// left contains the statements that the administrator may not execute.
	left []string
}

// changeGrants changes the grants of a user with store: it revokes the rights that do not follow
// from the grants any more, and grants those that are missing.
func (p *privileges) changeGrants(ctx context.Context, user string, store func() error) error {
	before, err := Rights(ctx, p.tx.own, user)
	if err != nil {
		return err
	}
	if err := store(); err != nil {
		return err
	}
	after, err := Rights(ctx, p.tx.own, user)
	if err != nil {
		return err
	}
	kept, schemas := make(map[string]bool), make(map[ident.Name]bool)
	var missing []Right
	for _, right := range after {
		kept[right.privilegeSQL()], schemas[right.Schema] = true, true
		if !right.Given && right.Grantable {
			missing = append(missing, right)
		}
	}
	taken := make(map[ident.Name]Right)
	for _, right := range before {
		if kept[right.privilegeSQL()] {
			continue
		}
		if err := p.revokeRight(ctx, right); err != nil {
			return err
		}
		taken[right.Schema] = right
	}
	for schema, right := range taken {
		if schemas[schema] || schema == "public" || string(schema) == user {
			continue
		}
		if err := p.revokeUsage(ctx, right); err != nil {
			return err
		}
	}
	return p.restore(ctx, missing)
}

// Restore grants rights.
func (p *privileges) restore(ctx context.Context, rights []Right) error {
	for _, right := range rights {
		user := ident.Name(right.User)
		if !right.Usage {
			if err := p.grantAs(ctx, right.OwnSchema, right.SchemaOwner, "USAGE ON SCHEMA "+right.Schema.SQL(), user); err != nil {
				return err
			}
		}
		if err := p.grantAs(ctx, right.Own, right.Owner, right.privilegeSQL(), user); err != nil {
			return err
		}
	}
	return nil
}

// grantAs grants a privilege on an owner's object: the system user does so itself, while no batch
// is applied; for other owners the administrator does so.
func (p *privileges) grantAs(ctx context.Context, own bool, owner, privilege string, user ident.Name) error {
	if own {
		p.tx.atEndWithoutBatches(func(ctx context.Context) error { return p.tx.execOwn(ctx, "GRANT "+privilege+" TO "+user.SQL()) })
		return nil
	}
	admin, err := p.tx.administratorFor(ctx, owner)
	if err != nil {
		return err
	}
	return admin.grantPrivilege(ctx, privilege, user)
}

// revokeAs is the reverse of grantAs.
func (p *privileges) revokeAs(ctx context.Context, own bool, owner, privilege string, user ident.Name) error {
	p.tx.takesAway = true
	if own {
		p.tx.atEndWithoutBatches(func(ctx context.Context) error { return p.tx.execOwn(ctx, "REVOKE "+privilege+" FROM "+user.SQL()) })
		return nil
	}
	admin, err := p.tx.administratorFor(ctx, owner)
	if err != nil {
		return err
	}
	return admin.revokePrivilege(ctx, privilege, user)
}

// revokeRight revokes a right. On an object that is not grantable a superuser may have granted it;
// then it is left to a superuser if the administrator is not one.
func (p *privileges) revokeRight(ctx context.Context, right Right) error {
	return p.leave(right, right.privilegeSQL(), p.revokeAs(ctx, right.Own, right.Owner, right.privilegeSQL(), ident.Name(right.User)))
}

// revokeUsage revokes the right to use a schema, as revokeRight does.
func (p *privileges) revokeUsage(ctx context.Context, right Right) error {
	privilege := "USAGE ON SCHEMA " + right.Schema.SQL()
	return p.leave(right, privilege, p.revokeAs(ctx, right.OwnSchema, right.SchemaOwner, privilege, ident.Name(right.User)))
}

// leave records the REVOKE of a refused revocation for a superuser.
func (p *privileges) leave(right Right, privilege string, err error) error {
	if _, refused := errors.AsType[*MembershipError](err); !refused || right.Grantable {
		return err
	}
	// PUBLIC may use PostgreSQL's own schemas.
	if right.Given && !(strings.HasPrefix(privilege, "USAGE") && strings.HasPrefix(string(right.Schema), "pg_")) {
		p.left = append(p.left, "REVOKE "+privilege+" FROM "+ident.Name(right.User).SQL()+";")
	}
	return nil
}
