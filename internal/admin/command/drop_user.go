package command

import (
	"context"
	"fmt"
	"strings"

	"metadb/internal/admin/access"
	"metadb/internal/admin/lang"
	"metadb/internal/change"
)

// dropUserCommand is DROP USER U [WITH (DROP OBJECTS)]. PostgreSQL's own may have IF EXISTS, or
// several names.
func dropUserCommand() Command {
	return Command{
		Words: "drop user",
		Claims: func(h *lang.Head) bool {
			return h.HasWords(0, "drop", "user") && h.IsName(2) && (h.Length() == 3 || h.HasWords(3, "with"))
		},
		Purpose: "drop a user that create user made; what it owned is kept, but nobody can use it",
		Syntax:  "drop user NAME [with (drop objects)]",
		Example: "drop user anna",
		Page:    "#users",
		Lock:    LockUsers,
		Parse: func(p *lang.Parser) Statement {
			c := dropUser{User: p.Name("a user")}
			if p.Accept("with") {
				p.Expect("(", "drop", "objects", ")")
				c.Objects = true
			}
			return c
		},
	}
}

type dropUser struct {
	User lang.Name
	// Objects means that the user's objects are dropped too.
	Objects bool
}

func (c dropUser) String() string {
	if c.Objects {
		return "drop user " + c.User.String() + " with (drop objects)"
	}
	return "drop user " + c.User.String()
}

// maxObjectsListed bounds the objects of a dropped user that a notice names.
const maxObjectsListed = 20

// Run executes DROP USER.
func (c dropUser) Run(ctx context.Context, srv *Services) (*Result, error) {
	var dropped access.Dropped
	err := srv.changeUsers(ctx, func(s *access.Session) (err error) {
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
	srv.logChange("user %q dropped, %s %s", c.User.Text, objects, became)
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
