package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"metadb/internal/admin/access"
	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

// changeGrant executes GRANT ACCESS and REVOKE ACCESS.
func (e *Executor) changeGrant(ctx context.Context, c lang.Grant) (*Result, error) {
	tag, what := "GRANT", "granted to"
	if c.Revoke {
		tag, what = "REVOKE", "revoked from"
	}
	if c.Target.Kind != lang.All && c.Target.Object.Schema.Text == "" {
		return nil, &Error{
			Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("the schema of %s is missing", c.Target), Position: c.Target.Object.At(),
			Hint: fmt.Sprintf("write it: %s access on %s SCHEMA.%s", strings.ToLower(tag), c.Target.Kind, c.Target.Object.Name),
		}
	}
	object := accessObject(c.Target)
	there, left := true, []string(nil)
	err := e.changeUsers(ctx, func(s *access.Session) (err error) {
		if c.Revoke {
			err = s.Revoke(ctx, c.User.Text, object)
			left = s.Left()
			return err
		}
		there, err = s.Grant(ctx, c.User.Text, object)
		return err
	})
	if err != nil {
		return nil, grantError(err, c)
	}
	e.logChange("access on %s %s %q", c.Target, what, c.User.Text)
	result := tagResult(tag)
	if !there {
		result.addNotice(fmt.Sprintf("%s does not exist yet: the grant holds when it does", c.Target))
	}
	return leave(result, c.User, left), nil
}

// leave adds a warning of rights that only a superuser can revoke.
func leave(result *Result, user lang.Name, statements []string) *Result {
	if len(statements) == 0 {
		return result
	}
	return result.addWarning(fmt.Sprintf("user \"%s\" keeps what a superuser has given, until a superuser takes it back", user.Text)).addHint(strings.Join(statements, " "))
}

// accessObject converts a command's target to an object.
func accessObject(t lang.Target) access.Object {
	if t.Kind == lang.All {
		return access.Object{}
	}
	o := access.Object{Schema: t.Object.Schema.Text, Name: t.Object.Name.Text, Function: t.Kind == lang.Function}
	types := make([]string, len(t.Types))
	for i, v := range t.Types {
		types[i] = v.Text
	}
	o.Types = strings.Join(types, ", ")
	return o
}

// grantError returns the client's error for a refused grant.
func grantError(err error, c lang.Grant) error {
	code := pgcode.UndefinedTable
	if c.Target.Kind == lang.Function {
		code = pgcode.UndefinedFunction
	}
	switch {
	case errors.Is(err, access.ErrNoObject):
		return &Error{Code: code, Message: fmt.Sprintf("%s %s", c.Target, access.ErrNoObject), Position: c.Target.Object.Name.At}
	case errors.Is(err, access.ErrNotGrantable):
		return &Error{
			Code: pgcode.InsufficientPrivilege, Message: fmt.Sprintf("%s %s", c.Target, access.ErrNotGrantable), Position: c.Target.Object.Name.At,
			Hint: "only what belongs to Metadb's system user or to a registered user can be, and of the schema metadb the tables that docs/admin.md lists",
		}
	case errors.Is(err, access.ErrNotGranted):
		return &Error{
			Code: pgcode.UndefinedObject, Message: fmt.Sprintf("access on %s %s to %s", c.Target, access.ErrNotGranted, c.User), Position: c.User.At,
		}
	}
	return userError(err, c.User)
}
