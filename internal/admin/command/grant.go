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

// grantCommand is GRANT ACCESS ON … TO U.
func grantCommand() Command {
	return Command{
		Words: "grant", Claim: "grant access on",
		Purpose: "let a user read a table, call a function, or read everything",
		Syntax:  "grant access on {table SCHEMA.TABLE | function SCHEMA.FUNCTION(TYPES) | all} to NAME",
		Example: "grant access on table library.patron__ to anna",
		Page:    "#access",
		Lock:    LockUsers,
		Parse: func(p *lang.Parser) Statement {
			p.Expect("access", "on")
			c := changeGrant{Target: parseGrantTarget(p)}
			p.Expect("to")
			c.User = p.Name("a user")
			return c
		},
	}
}

// revokeCommand is REVOKE ACCESS ON … FROM U.
func revokeCommand() Command {
	return Command{
		Words: "revoke", Claim: "revoke access on",
		Purpose: "take a grant back",
		Syntax:  "revoke access on {table SCHEMA.TABLE | function SCHEMA.FUNCTION(TYPES) | all} from NAME",
		Example: "revoke access on all from anna",
		Page:    "#access",
		Lock:    LockUsers,
		Parse: func(p *lang.Parser) Statement {
			p.Expect("access", "on")
			c := changeGrant{Revoke: true, Target: parseGrantTarget(p)}
			p.Expect("from")
			c.User = p.Name("a user")
			return c
		},
	}
}

type changeGrant struct {
	Revoke bool
	Target grantTarget
	User   lang.Name
}

func (c changeGrant) String() string {
	if c.Revoke {
		return fmt.Sprintf("revoke access on %s from %s", c.Target, c.User)
	}
	return fmt.Sprintf("grant access on %s to %s", c.Target, c.User)
}

// Run executes GRANT ACCESS and REVOKE ACCESS.
func (c changeGrant) Run(ctx context.Context, srv *Services) (*Result, error) {
	tag, what := "GRANT", "granted to"
	if c.Revoke {
		tag, what = "REVOKE", "revoked from"
	}
	if c.Target.Kind != targetAll && c.Target.Object.Schema.Text == "" {
		return nil, &Error{
			Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("the schema of %s is missing", c.Target), Position: c.Target.Object.At(),
			Hint: fmt.Sprintf("write it: %s access on %s SCHEMA.%s", strings.ToLower(tag), c.Target.Kind, c.Target.Object.Name),
		}
	}
	object := accessObject(c.Target)
	there, left := true, []string(nil)
	err := srv.changeUsers(ctx, func(s *access.Session) (err error) {
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
	srv.logChange("access on %s %s %q", c.Target, what, c.User.Text)
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

// grantError returns the client's error for a refused grant.
func grantError(err error, c changeGrant) error {
	code := pgcode.UndefinedTable
	if c.Target.Kind == targetFunction {
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
