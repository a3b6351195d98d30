package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
	"metadb/internal/target/pgcode"
)

// MembershipError is the error of an administrator that is not a superuser and may not act for a
// role.
type MembershipError struct {
	// Role is the role to act for, By the administrator's name.
	Role, By string
	// Granular is true if the server has INHERIT and SET for memberships.
	Granular bool
}

func (e *MembershipError) Error() string {
	return fmt.Sprintf("%q may not act for role %q, as it is no superuser: %s", e.By, e.Role, e.Grant())
}

// Grant returns the statement that repairs it.
func (e *MembershipError) Grant() string {
	grant := "grant " + ident.Name(e.Role).SQL() + " to " + ident.Name(e.By).SQL()
	if e.Granular {
		return grant + " with admin true, inherit true, set true;"
	}
	return grant + ";"
}

// actFor ensures that the administrator may act for another role: own its objects, and hand them
// over. A superuser may do so anyway. A role with CREATEROLE makes itself a member where it can: of
// any other role up to PostgreSQL 15, of roles that it created from 16 on. Otherwise the error is a
// *MembershipError.
func (a *administrator) actFor(ctx context.Context, role string) error {
	if a.super {
		return nil
	}
	may, err := a.mayActFor(ctx, role)
	if err != nil || may {
		return err
	}
	refused := &MembershipError{Role: role, By: a.name, Granular: a.granular}
	// The savepoint keeps the transaction usable if the statement fails.
	err = pgx.BeginFunc(ctx, a.tx, func(tx pgx.Tx) error {
		inner := *a
		inner.tx = tx
		if err := inner.addMember(ctx, role, a.name); err != nil {
			return err
		}
		may, err = inner.mayActFor(ctx, role)
		return err
	})
	if pgcode.Is(err, pgcode.InsufficientPrivilege) {
		return refused
	}
	if err == nil && !may {
		return refused // the administrator's role has NOINHERIT
	}
	return err
}

// missingMembership returns the statement that lets the administrator act for a role, empty if it
// may already.
func (a *administrator) missingMembership(ctx context.Context, role string) (grant string, err error) {
	err = a.actFor(ctx, role)
	if member, ok := errors.AsType[*MembershipError](err); ok {
		return member.Grant(), nil
	}
	return "", err
}

// mayActFor reports whether the administrator has a role's rights and can become it.
func (a *administrator) mayActFor(ctx context.Context, role string) (may bool, err error) {
	question := "SELECT pg_catalog.pg_has_role($1::pg_catalog.name, 'USAGE')"
	if a.granular {
		question += " AND pg_catalog.pg_has_role($1::pg_catalog.name, 'SET')"
	}
	if err := a.tx.QueryRow(ctx, question, role).Scan(&may); err != nil {
		return false, fmt.Errorf("look for the rights of role %s: %w", role, err)
	}
	return may, nil
}
