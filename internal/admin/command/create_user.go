package command

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"metadb/internal/admin/access"
	"metadb/internal/admin/lang"
	"metadb/internal/admin/scram"
	"metadb/internal/change"
	"metadb/internal/target/pgcode"
)

// maxNameBytes is the length of PostgreSQL's names.
const maxNameBytes = 63

// createUser executes CREATE USER. The password leaves this process as a verifier only: neither
// PostgreSQL's log nor its list of running statements can show it.
func (e *Executor) createUser(ctx context.Context, c lang.CreateUser) (*Result, error) {
	if len(c.User.Text) > maxNameBytes {
		return nil, &Error{
			Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("the name of a user is longer than %d bytes", maxNameBytes), Position: c.User.At,
		}
	}
	if c.Password.Text == "" {
		return nil, &Error{Code: pgcode.InvalidParameterValue, Message: "the password is empty", Position: c.Password.At}
	}
	connections, err := connectionLimit(c.ConnectionLimit)
	if err != nil {
		return nil, err
	}
	verifier, err := scram.New(c.Password.Text)
	if err != nil {
		return nil, err
	}
	renamed := ""
	err = e.changeUsers(ctx, func(s *access.Session) (err error) {
		renamed, err = s.CreateUser(ctx, access.User{Name: c.User.Text, Verifier: verifier.String(), Comment: c.Comment.Text, Connections: connections})
		return err
	})
	if err != nil {
		return nil, userError(err, c.User)
	}
	e.logChange("user %q created", c.User.Text)
	return e.addRenamedNotice(tagResult("CREATE USER"), c.User, renamed), nil
}

// connectionLimit returns the limit of a user's concurrent sessions.
func connectionLimit(v lang.Value) (int, error) {
	if v.At == 0 {
		return access.DefaultConnections, nil
	}
	n, err := strconv.Atoi(v.Text)
	if err != nil || n < -1 || n > math.MaxInt16 {
		return 0, &Error{
			Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("invalid value for connection_limit: \"%s\"", v.Text), Position: v.At,
			Hint: "it is the number of sessions that the user may have at once, -1 for no limit",
		}
	}
	return n, nil
}

// addRenamedNotice adds a notice of a schema that was renamed because a new one needs its name.
func (e *Executor) addRenamedNotice(result *Result, user lang.Name, schema string) *Result {
	if schema == "" {
		return result
	}
	e.logChange("schema %q of the dropped user is now %q", user.Text, schema)
	return result.addNotice(fmt.Sprintf("schema \"%s\" of the dropped user of that name is now \"%s\"", user.Text, schema))
}

// maxObjectsListed bounds the objects of a dropped user that a notice names.
const maxObjectsListed = 20

// dropUser executes DROP USER.
func (e *Executor) dropUser(ctx context.Context, c lang.DropUser) (*Result, error) {
	var dropped access.Dropped
	err := e.changeUsers(ctx, func(s *access.Session) (err error) {
		dropped, err = s.DropUser(ctx, c.User.Text, c.Objects)
		return err
	})
	if err != nil {
		return nil, userError(err, c.User)
	}
	objects := change.Plural(len(dropped.Objects), "object", "objects")
	became := fmt.Sprintf("handed over to \"%s\"", access.RetiredRole)
	if c.Objects {
		became = "dropped"
	}
	e.logChange("user %q dropped, %s %s", c.User.Text, objects, became)
	result := tagResult("DROP USER")
	if len(dropped.Objects) > 0 {
		named := dropped.Objects
		if len(named) > maxObjectsListed {
			named = append(named[:maxObjectsListed:maxObjectsListed], fmt.Sprintf("and %d more", len(named)-maxObjectsListed))
		}
		result.addNotice(fmt.Sprintf("%s of user \"%s\" %s: %s", objects, c.User.Text, became, strings.Join(named, ", ")))
		if !c.Objects {
			result.addHint("nobody but the system user can use them; drop them when they are not needed: drop user … with (drop objects) does it at once")
		}
	}
	return result, nil
}

// registerUser executes REGISTER USER and DEREGISTER USER.
func (e *Executor) registerUser(ctx context.Context, c lang.RegisterUser) (*Result, error) {
	change, tag, what := (*access.Session).Register, "REGISTER USER", "registered"
	if c.Off {
		change, tag, what = (*access.Session).Deregister, "DEREGISTER USER", "deregistered"
	}
	var left []string
	err := e.changeUsers(ctx, func(s *access.Session) error {
		err := change(s, ctx, c.User.Text)
		left = s.Left()
		return err
	})
	if err != nil {
		return nil, userError(err, c.User)
	}
	e.logChange("user %q %s", c.User.Text, what)
	return leave(tagResult(tag), c.User, left), nil
}

// createSchema executes CREATE SCHEMA FOR USER.
func (e *Executor) createSchema(ctx context.Context, c lang.CreateSchema) (*Result, error) {
	renamed := ""
	err := e.changeUsers(ctx, func(s *access.Session) (err error) {
		renamed, err = s.CreateSchema(ctx, c.User.Text)
		return err
	})
	if err != nil {
		return nil, userError(err, c.User)
	}
	e.logChange("schema %q created for its user", c.User.Text)
	return e.addRenamedNotice(tagResult("CREATE SCHEMA"), c.User, renamed), nil
}

// listUsers executes LIST USERS.
func (e *Executor) listUsers(ctx context.Context) (*Result, error) {
	db := e.users()
	accounts, err := db.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for _, a := range accounts {
		rows = append(rows, []any{a.Name, a.Created, a.AccessAll, nullableText(a.Remedy, a.Remedy != "")})
	}
	return tableResult(describeList("users"), rows), nil
}

// changeUsers executes a change of users and grants.
func (e *Executor) changeUsers(ctx context.Context, do func(*access.Session) error) error {
	db := e.users()
	return db.Do(ctx, do)
}

// users returns the database for package access.
func (e *Executor) users() access.Database {
	return access.Database{
		Roles: e.Roles, Own: e.DB, Administrator: e.Super, Exclusively: e.Config.Exclusively, LockTimeout: access.CommandLockTimeout,
	}
}

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
