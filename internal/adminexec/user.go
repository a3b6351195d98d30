package adminexec

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/access"
	"metadb/internal/adminlang"
	"metadb/internal/change"
	"metadb/internal/scram"
)

// Codes of commands about users.
const (
	codeInsufficientPrivilege = "42501"
	codeDuplicateRole         = "42710"
	codeDuplicateSchema       = "42P06"
)

// maxNameBytes is the length of PostgreSQL's names.
const maxNameBytes = 63

// createUser carries out CREATE USER. The password leaves this process as a
// verifier only: neither PostgreSQL's log nor its list of running statements can
// show it.
func (e *Executor) createUser(ctx context.Context, c adminlang.CreateUser) (*Result, error) {
	if len(c.User.Text) > maxNameBytes {
		return nil, &Error{
			Code: codeInvalidValue, Message: fmt.Sprintf("the name of a user is longer than %d bytes", maxNameBytes), Position: c.User.At,
		}
	}
	if c.Password.Text == "" {
		return nil, &Error{Code: codeInvalidValue, Message: "the password is empty", Position: c.Password.At}
	}
	verifier, err := scram.New(c.Password.Text)
	if err != nil {
		return nil, err
	}
	err = e.asSuper(ctx, func(tx pgx.Tx) error {
		return e.Roles.CreateUser(ctx, tx, access.User{Name: c.User.Text, Verifier: verifier.String(), Comment: c.Comment.Text})
	})
	if err != nil {
		return nil, userError(err, c.User)
	}
	e.log("user %q created", c.User.Text)
	return done("CREATE USER"), nil
}

// dropUser carries out DROP USER.
func (e *Executor) dropUser(ctx context.Context, c adminlang.DropUser) (*Result, error) {
	handedOver := 0
	err := e.asSuper(ctx, func(tx pgx.Tx) (err error) {
		handedOver, err = e.Roles.DropUser(ctx, tx, c.User.Text)
		return err
	})
	if err != nil {
		return nil, userError(err, c.User)
	}
	objects := change.Count(handedOver, "object", "objects")
	e.log("user %q dropped, %s handed over to %q", c.User.Text, objects, e.Roles.System)
	result := done("DROP USER")
	if handedOver > 0 {
		result.notice(fmt.Sprintf("%s of user \"%s\" handed over to \"%s\"", objects, c.User.Text, e.Roles.System))
	}
	return result, nil
}

// registerUser carries out REGISTER USER and DEREGISTER USER.
func (e *Executor) registerUser(ctx context.Context, c adminlang.RegisterUser) (*Result, error) {
	change, tag, what := e.Roles.Register, "REGISTER USER", "registered"
	if c.Off {
		change, tag, what = e.Roles.Deregister, "DEREGISTER USER", "deregistered"
	}
	if err := e.asSuper(ctx, func(tx pgx.Tx) error { return change(ctx, tx, c.User.Text) }); err != nil {
		return nil, userError(err, c.User)
	}
	e.log("user %q %s", c.User.Text, what)
	return done(tag), nil
}

// createSchema carries out CREATE SCHEMA FOR USER.
func (e *Executor) createSchema(ctx context.Context, c adminlang.CreateSchema) (*Result, error) {
	if err := e.asSuper(ctx, func(tx pgx.Tx) error { return e.Roles.CreateSchema(ctx, tx, c.User.Text) }); err != nil {
		return nil, userError(err, c.User)
	}
	e.log("schema %q created for its user", c.User.Text)
	return done("CREATE SCHEMA"), nil
}

// asSuper does something in a transaction of the superuser's, while no batch is
// applied: a GRANT and an ALTER TABLE at once would make one of them fail.
func (e *Executor) asSuper(ctx context.Context, do func(pgx.Tx) error) error {
	conn, err := e.Super(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return e.exclusively(func() error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '10s'"); err != nil {
				return err
			}
			return do(tx)
		})
	})
}

// userError words what is refused of a user.
func userError(err error, user adminlang.Name) error {
	refused := func(code string, sentinel error, hint string) error {
		return &Error{
			Code: code, Message: fmt.Sprintf("user \"%s\" %s", user.Text, sentinel), Hint: hint, Position: user.At,
		}
	}
	if member, ok := errors.AsType[*access.MembershipError](err); ok {
		return &Error{Code: codeInsufficientPrivilege, Message: fmt.Sprintf("%q may not act for role %q, as it is no superuser", member.By, member.Role), Hint: member.Grant(), Position: user.At}
	}
	quoted := user.String()
	switch {
	case errors.Is(err, access.ErrRoleExists):
		return refused(codeDuplicateRole, access.ErrRoleExists, "register user "+quoted+"; makes it one that can be granted access")
	case errors.Is(err, access.ErrNoRole):
		return refused(codeUndefinedObject, access.ErrNoRole, "create user "+quoted+" with password '…';")
	case errors.Is(err, access.ErrRegistered):
		return refused(codeDuplicateObject, access.ErrRegistered, "")
	case errors.Is(err, access.ErrNotRegistered):
		return refused(codeUndefinedObject, access.ErrNotRegistered, "register user "+quoted+"; comes first")
	case errors.Is(err, access.ErrProtected):
		return refused(codeInsufficientPrivilege, access.ErrProtected, "")
	}
	if shown := AsError(err); shown.Code == codeDuplicateSchema || shown.Code == codeReservedName {
		shown.Position = user.At
		return shown
	}
	return err
}
