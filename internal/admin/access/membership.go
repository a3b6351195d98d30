package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/ident"
)

// codeNoPrivilege is the SQLSTATE of a statement that the role has no right to.
const codeNoPrivilege = "42501"

// MembershipError says that the administrator is no superuser, and may not act
// for a role.
type MembershipError struct {
	// Role is what it would have to act for, By its own name.
	Role, By string
	// Granular says that the server tells INHERIT and SET apart.
	Granular bool
}

func (e *MembershipError) Error() string {
	return fmt.Sprintf("%q may not act for role %q, as it is no superuser: %s", e.By, e.Role, e.Grant())
}

// Grant is the statement that mends it.
func (e *MembershipError) Grant() string {
	grant := "grant " + ident.Name(e.Role).SQL() + " to " + ident.Name(e.By).SQL()
	if e.Granular {
		return grant + " with admin true, inherit true, set true;"
	}
	return grant + ";"
}

// actFor lets the administrator do what another role may: own what it owns, and
// give it away. A superuser may do so anyway. A role with CREATEROLE makes itself
// a member where it can: of any other role up to PostgreSQL 15, of those that it
// made from 16 on. Otherwise the error is a *MembershipError.
func (a *administrator) actFor(ctx context.Context, role string) error {
	if a.super {
		return nil
	}
	may, err := a.mayActFor(ctx, role)
	if err != nil || may {
		return err
	}
	refused := &MembershipError{Role: role, By: a.name, Granular: a.granular}
	// A statement that fails ends the transaction, but for a savepoint.
	err = pgx.BeginFunc(ctx, a.tx, func(tx pgx.Tx) error {
		inner := *a
		inner.tx = tx
		if err := inner.addMember(ctx, role, a.name); err != nil {
			return err
		}
		may, err = inner.mayActFor(ctx, role)
		return err
	})
	if failed, ok := errors.AsType[*pgconn.PgError](err); ok && failed.Code == codeNoPrivilege {
		return refused
	}
	if err == nil && !may {
		return refused // a role that inherits nothing
	}
	return err
}

// missingMembership returns the statement that lets the administrator act for a role,
// empty where it may do so already.
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
