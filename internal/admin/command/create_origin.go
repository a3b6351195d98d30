package command

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/target/pgcode"
)

// createOriginCommand is CREATE DATA ORIGIN NAME.
func createOriginCommand() Command {
	return Command{
		Words: "create data origin", Claim: "create data",
		Purpose: "declare an origin",
		Syntax:  "create data origin NAME",
		Example: "create data origin east",
		Page:    "#parameters-and-origins",
		Lock:    LockStreams,
		Parse:   func(p *lang.Parser) Statement { return createOrigin{Name: p.Name("a name")} },
	}
}

type createOrigin struct{ Name lang.Name }

func (c createOrigin) String() string { return "create data origin " + c.Name.String() }

// maxOriginBytes is the length of the column __origin.
const maxOriginBytes = 63

// Run adds an origin. It takes effect at once; existing rows keep their origin.
func (c createOrigin) Run(ctx context.Context, srv *Services) (*Result, error) {
	if len(c.Name.Text) > maxOriginBytes {
		return nil, &Error{
			Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("the name of an origin is longer than %d bytes", maxOriginBytes), Position: c.Name.At,
		}
	}
	const sql = `
insert into metadb.origin (name)
select $1::text
 where not exists (select from metadb.origin where name = $1::text)`
	tag, err := srv.DB.Exec(ctx, sql, c.Name.Text)
	if err != nil {
		return nil, err
	}
	if tag.RowsAffected() == 0 {
		return nil, duplicateError("data origin", c.Name)
	}
	srv.logChange("data origin %q created", c.Name.Text)
	return tagResult("CREATE DATA ORIGIN"), srv.publishOrigins(ctx)
}

// publishOrigins passes the stored origins to the streams, also if the client cancels meanwhile:
// the change is committed.
func (srv *Services) publishOrigins(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	rows, err := srv.DB.Query(ctx, "select name from metadb.origin order by name")
	if err != nil {
		return err
	}
	origins, err := pgx.CollectRows(rows, pgx.RowTo[change.Origin])
	if err != nil {
		return err
	}
	srv.Control.SetOrigins(origins)
	return nil
}
