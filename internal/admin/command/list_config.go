package command

import (
	"context"
	"fmt"

	"metadb/internal/admin/lang"
)

// listConfigCommand is LIST CONFIG.
func listConfigCommand() Command {
	return Command{
		Words: "list config", Claim: "list",
		Purpose:   "show the configuration parameters",
		Syntax:    "list config",
		Example:   "list config",
		Page:      "#what-there-is",
		OnlyShows: true,
		Parse:     func(*lang.Parser) Statement { return listConfig{} },
	}
}

type listConfig struct{}

func (listConfig) String() string { return "list config" }

// Columns implements Tabular.
func (listConfig) Columns() []Column {
	return textColumns("parameter", "value")
}

// Run executes LIST CONFIG: it lists the stored parameters, and those that are off.
func (c listConfig) Run(ctx context.Context, srv *Services) (*Result, error) {
	stored := "select parameter::text, value::text from metadb.config"
	for _, p := range parameters() {
		if p.off {
			stored += fmt.Sprintf(" union all select '%[1]s', '%[2]s' where not exists (select from metadb.config where parameter = '%[1]s')", p.name, valueOff)
		}
	}
	return srv.queryList(ctx, c.Columns(), stored+" order by 1")
}
