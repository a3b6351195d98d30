package command

import (
	"context"
	"fmt"

	"metadb/internal/admin/access"
	"metadb/internal/admin/lang"
	"metadb/internal/admin/scram"
	"metadb/internal/target/pgcode"
)

// alterUserCommand is ALTER USER U WITH PASSWORD 'P'.
func alterUserCommand() Command {
	return Command{
		Words: "alter user", Claims: isAlterUser,
		Purpose: "change a user's password",
		Syntax:  "alter user NAME with password 'PASSWORD'",
		Example: "alter user anna with password 'Wq7-lamp-3dune'",
		Page:    "#users",
		Lock:    LockUsers,
		Parse: func(p *lang.Parser) Statement {
			c := alterUser{User: p.Name("a user")}
			p.Expect("with", "password")
			c.Password = p.Value("a password")
			return c
		},
	}
}

// isAlterUser distinguishes the command, ALTER USER U WITH PASSWORD 'P', from PostgreSQL's, which
// may continue with other options. PostgreSQL also stores passwords that are encrypted already. For
// any other form package lang returns an error that does not repeat the password.
func isAlterUser(h *lang.Head) bool {
	const length = 6
	return h.Length() == length && h.HasWords(0, "alter", "user") && h.IsName(2) && h.HasWords(3, "with", "password") &&
		h.IsString(5) && !lang.IsVerifier(h.Text(5))
}

type alterUser struct {
	User     lang.Name
	Password lang.Value
}

func (c alterUser) String() string {
	return fmt.Sprintf("alter user %s with password %s", c.User, lang.HiddenText)
}

// Run executes ALTER USER. As with CREATE USER, the password leaves this process as a
// verifier only.
func (c alterUser) Run(ctx context.Context, srv *Services) (*Result, error) {
	if c.Password.Text == "" {
		return nil, &Error{Code: pgcode.InvalidParameterValue, Message: "the password is empty", Position: c.Password.At}
	}
	verifier, err := scram.New(c.Password.Text)
	if err != nil {
		return nil, err
	}
	err = srv.changeUsers(ctx, func(s *access.Session) error { return s.SetPassword(ctx, c.User.Text, verifier.String()) })
	if err != nil {
		return nil, userError(err, c.User)
	}
	srv.logChange("password of user %q changed", c.User.Text)
	return tagResult("ALTER USER"), nil
}
