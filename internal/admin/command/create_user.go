package command

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"metadb/internal/admin/access"
	"metadb/internal/admin/lang"
	"metadb/internal/admin/scram"
	"metadb/internal/target/pgcode"
)

// createUserCommand is CREATE USER U WITH PASSWORD 'P' [, COMMENT 'C'] [, CONNECTION_LIMIT 'N'].
func createUserCommand() Command {
	return Command{
		Words: "create user", Claims: isCreateUser,
		Purpose: "make a user who can log in to the database, with a schema of the same name",
		Syntax:  "create user NAME with password 'PASSWORD' [, comment 'COMMENT'] [, connection_limit 'NUMBER']",
		Example: "create user anna with password 'gm1k-4hHs', comment 'Circulation reports', connection_limit '5'",
		Page:    "#users",
		Lock:    LockUsers,
		Parse: func(p *lang.Parser) Statement {
			c := createUser{User: p.Name("a user")}
			p.Expect("with", "password")
			c.Password = p.Value("a password")
			for p.Accept(",") {
				if p.ExpectOneOf("comment", "connection_limit") == "comment" {
					c.Comment = p.Value("a comment")
				} else {
					c.ConnectionLimit = p.Value("a number")
				}
			}
			return c
		},
	}
}

// isCreateUser distinguishes the command, CREATE USER U WITH PASSWORD 'P' [, …], from PostgreSQL's,
// which may continue with other options but not with a comma. PostgreSQL has no other option of one
// word and a string: a statement with one is a misspelt command, and its password must not get into
// PostgreSQL's log of errors.
func isCreateUser(h *lang.Head) bool {
	const length = 6
	if !h.HasWords(0, "create", "user") || !h.IsName(2) || !h.HasWords(3, "with") || !h.IsWord(4) || !h.IsConstant(5) {
		return false
	}
	return !h.HasWords(4, "password") || h.Length() == length || h.HasWords(length, ",")
}

type createUser struct {
	User     lang.Name
	Password lang.Value
	// Comment and ConnectionLimit have no position if they were not given.
	Comment         lang.Value
	ConnectionLimit lang.Value
}

func (c createUser) String() string {
	s := fmt.Sprintf("create user %s with password %s", c.User, lang.HiddenText)
	if c.Comment.At > 0 {
		s += ", comment " + c.Comment.String()
	}
	if c.ConnectionLimit.At > 0 {
		s += ", connection_limit " + c.ConnectionLimit.String()
	}
	return s
}

// maxNameBytes is the length of PostgreSQL's names.
const maxNameBytes = 63

// Run executes CREATE USER. The password leaves this process as a verifier only: neither
// PostgreSQL's log nor its list of running statements can show it.
func (c createUser) Run(ctx context.Context, srv *Services) (*Result, error) {
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
	err = srv.changeUsers(ctx, func(s *access.Session) (err error) {
		renamed, err = s.CreateUser(ctx, access.User{Name: c.User.Text, Verifier: verifier.String(), Comment: c.Comment.Text, Connections: connections})
		return err
	})
	if err != nil {
		return nil, userError(err, c.User)
	}
	srv.logChange("user %q created", c.User.Text)
	return srv.addRenamedNotice(tagResult("CREATE USER"), c.User, renamed), nil
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
func (srv *Services) addRenamedNotice(result *Result, user lang.Name, schema string) *Result {
	if schema == "" {
		return result
	}
	srv.logChange("schema %q of the dropped user is now %q", user.Text, schema)
	return result.addNotice(fmt.Sprintf("schema \"%s\" of the dropped user of that name is now \"%s\"", user.Text, schema))
}
