package command

import (
	"context"

	"metadb/internal/admin/access"
	"metadb/internal/admin/lang"
)

// createSchemaCommand is CREATE SCHEMA FOR USER U.
func createSchemaCommand() Command {
	return Command{
		Words: "create schema", Claim: "create schema for",
		Purpose: "make a schema in which a user may create objects",
		Syntax:  "create schema for user NAME",
		Example: "create schema for user ben",
		Page:    "#users",
		Lock:    LockUsers,
		Parse: func(p *lang.Parser) Statement {
			p.Expect("for", "user")
			return createSchema{User: p.Name("a user")}
		},
	}
}

type createSchema struct{ User lang.Name }

func (c createSchema) String() string { return "create schema for user " + c.User.String() }

// Run executes CREATE SCHEMA FOR USER.
func (c createSchema) Run(ctx context.Context, srv *Services) (*Result, error) {
	renamed := ""
	err := srv.changeUsers(ctx, func(s *access.Session) (err error) {
		renamed, err = s.CreateSchema(ctx, c.User.Text)
		return err
	})
	if err != nil {
		return nil, userError(err, c.User)
	}
	srv.logChange("schema %q created for its user", c.User.Text)
	return srv.addRenamedNotice(tagResult("CREATE SCHEMA"), c.User, renamed), nil
}
