package command

import (
	"context"

	"metadb/internal/admin/access"
	"metadb/internal/admin/lang"
)

// registerUserCommand is REGISTER USER U.
func registerUserCommand() Command {
	return Command{
		Words: "register user", Claim: "register",
		Purpose: "make a role one that can be granted access",
		Syntax:  "register user NAME",
		Example: "register user ben",
		Page:    "#users",
		Lock:    LockUsers,
		Parse:   func(p *lang.Parser) Statement { return registerUser{User: p.Name("a user")} },
	}
}

// deregisterUserCommand is DEREGISTER USER U.
func deregisterUserCommand() Command {
	return Command{
		Words: "deregister user", Claim: "deregister",
		Purpose: "take back all access of a user, and forget it",
		Syntax:  "deregister user NAME",
		Example: "deregister user ben",
		Page:    "#users",
		Lock:    LockUsers,
		Parse:   func(p *lang.Parser) Statement { return registerUser{User: p.Name("a user"), Off: true} },
	}
}

type registerUser struct {
	User lang.Name
	// Off means DEREGISTER.
	Off bool
}

func (c registerUser) String() string {
	if c.Off {
		return "deregister user " + c.User.String()
	}
	return "register user " + c.User.String()
}

// Run executes REGISTER USER and DEREGISTER USER.
func (c registerUser) Run(ctx context.Context, srv *Services) (*Result, error) {
	change, tag, what := (*access.Session).Register, "REGISTER USER", "registered"
	if c.Off {
		change, tag, what = (*access.Session).Deregister, "DEREGISTER USER", "deregistered"
	}
	var left []string
	err := srv.changeUsers(ctx, func(s *access.Session) error {
		err := change(s, ctx, c.User.Text)
		left = s.Left()
		return err
	})
	if err != nil {
		return nil, userError(err, c.User)
	}
	srv.logChange("user %q %s", c.User.Text, what)
	return leave(tagResult(tag), c.User, left), nil
}
