package command

import (
	"context"

	"metadb/internal/admin/lang"
)

// listOriginsCommand is LIST DATA_ORIGINS.
func listOriginsCommand() Command {
	return Command{
		Words: "list data_origins", Claim: "list",
		Purpose:   "show the origins",
		Syntax:    "list data_origins",
		Example:   "list data_origins",
		Page:      "#what-there-is",
		OnlyShows: true,
		Parse:     func(*lang.Parser) Statement { return listOrigins{} },
	}
}

type listOrigins struct{}

func (listOrigins) String() string { return "list data_origins" }

// Columns implements Tabular.
func (listOrigins) Columns() []Column {
	return textColumns("name")
}

// Run executes LIST DATA_ORIGINS.
func (c listOrigins) Run(ctx context.Context, srv *Services) (*Result, error) {
	return srv.queryList(ctx, c.Columns(), "select name::text from metadb.origin order by name")
}
