package command

import (
	"context"

	"metadb/internal/admin/lang"
)

// dropOriginCommand is DROP DATA ORIGIN NAME.
func dropOriginCommand() Command {
	return Command{
		Words: "drop data origin", Claim: "drop data",
		Purpose: "remove an origin",
		Syntax:  "drop data origin NAME",
		Example: "drop data origin east",
		Page:    "#parameters-and-origins",
		Lock:    LockStreams,
		Parse:   func(p *lang.Parser) Statement { return dropOrigin{Name: p.Name("a name")} },
	}
}

type dropOrigin struct{ Name lang.Name }

func (c dropOrigin) String() string { return "drop data origin " + c.Name.String() }

// Run removes an origin. Its rows keep it.
func (c dropOrigin) Run(ctx context.Context, srv *Services) (*Result, error) {
	tag, err := srv.DB.Exec(ctx, "delete from metadb.origin where name = $1", c.Name.Text)
	if err != nil {
		return nil, err
	}
	if tag.RowsAffected() == 0 {
		return nil, missingError("data origin", c.Name)
	}
	srv.logChange("data origin %q dropped", c.Name.Text)
	return tagResult("DROP DATA ORIGIN"), srv.publishOrigins(ctx)
}
