package command

import (
	"context"

	"metadb/internal/admin/access"
	"metadb/internal/admin/lang"
	"metadb/internal/admin/scram"
	"metadb/internal/target/pgcode"
)

// alterUser executes ALTER USER. As with CREATE USER, the password leaves this process as a
// verifier only.
func (e *Executor) alterUser(ctx context.Context, c lang.AlterUser) (*Result, error) {
	if c.Password.Text == "" {
		return nil, &Error{Code: pgcode.InvalidParameterValue, Message: "the password is empty", Position: c.Password.At}
	}
	verifier, err := scram.New(c.Password.Text)
	if err != nil {
		return nil, err
	}
	err = e.changeUsers(ctx, func(s *access.Session) error { return s.SetPassword(ctx, c.User.Text, verifier.String()) })
	if err != nil {
		return nil, userError(err, c.User)
	}
	e.logChange("password of user %q changed", c.User.Text)
	return tagResult("ALTER USER"), nil
}
