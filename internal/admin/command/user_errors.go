package command

import (
	"context"
	"errors"
	"fmt"

	"metadb/internal/admin/access"
	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

// userError returns the client's error for a refusal about a user.
func userError(err error, user lang.Name) error {
	refused := func(code string, sentinel error, hint string) error {
		return &Error{
			Code: code, Message: fmt.Sprintf("user \"%s\" %s", user.Text, sentinel), Hint: hint, Position: user.At,
		}
	}
	if member, ok := errors.AsType[*access.MembershipError](err); ok {
		return &Error{Code: pgcode.InsufficientPrivilege, Message: fmt.Sprintf("%q may not act for role %q, as it is no superuser", member.By, member.Role), Hint: member.Grant(), Position: user.At}
	}
	if beyond, ok := errors.AsType[*access.PrivilegedError](err); ok {
		return &Error{Code: pgcode.InsufficientPrivilege, Message: beyond.Error(), Hint: "such a role is not Metadb's: take them back first, or use PostgreSQL's own statements", Position: user.At}
	}
	if taken, ok := errors.AsType[*access.SchemaTakenError](err); ok {
		shown := &Error{Code: pgcode.DuplicateSchema, Message: taken.Error(), Position: user.At}
		if taken.Owner != user.Text {
			shown.Hint = fmt.Sprintf("it belongs to %q; if it is not needed any more: alter schema %s rename to …", taken.Owner, user)
		}
		return shown
	}
	quoted := user.String()
	switch {
	case errors.Is(err, access.ErrRoleExists):
		return refused(pgcode.DuplicateObject, access.ErrRoleExists, "register user "+quoted+"; makes it one that can be granted access")
	case errors.Is(err, access.ErrNoRole):
		return refused(pgcode.UndefinedObject, access.ErrNoRole, "create user "+quoted+" with password '…';")
	case errors.Is(err, access.ErrRegistered):
		return refused(pgcode.DuplicateObject, access.ErrRegistered, "")
	case errors.Is(err, access.ErrNotRegistered):
		return refused(pgcode.UndefinedObject, access.ErrNotRegistered, "register user "+quoted+"; comes first")
	case errors.Is(err, access.ErrNotCreated):
		return refused(pgcode.InsufficientPrivilege, access.ErrNotCreated, "deregister user "+quoted+"; takes back what it was granted; the role is whose who made it")
	case errors.Is(err, access.ErrSourceSchema):
		return refused(pgcode.ReservedName, access.ErrSourceSchema, "")
	case errors.Is(err, access.ErrProtected):
		return refused(pgcode.InsufficientPrivilege, access.ErrProtected, "")
	}
	if shown := AsError(err); shown.Code == pgcode.ReservedName {
		shown.Position = user.At
		return shown
	}
	return err
}

// changeUsers executes a change of users and grants.
func (srv *Services) changeUsers(ctx context.Context, do func(*access.Session) error) error {
	db := srv.users()
	return db.Do(ctx, do)
}

// users returns the database for package access.
func (srv *Services) users() access.Database {
	return access.Database{
		Roles: srv.Roles, Own: srv.DB, Administrator: srv.Super, Exclusively: srv.Exclusively, LockTimeout: access.CommandLockTimeout,
	}
}
