package command

import (
	"context"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/admin/lang"
	"metadb/internal/datasource"
)

// listSourcesCommand is LIST DATA_SOURCES.
func listSourcesCommand() Command {
	return Command{
		Words: "list data_sources", Claim: "list",
		Purpose:   "show the data sources and their options",
		Syntax:    "list data_sources",
		Example:   "list data_sources",
		Page:      "#what-there-is",
		OnlyShows: true,
		Parse:     func(*lang.Parser) Statement { return listSources{} },
	}
}

type listSources struct{}

func (listSources) String() string { return "list data_sources" }

// Columns implements Tabular.
func (listSources) Columns() []Column {
	columns := textColumns("name")
	for _, key := range datasource.Names() {
		if datasource.IsSecret(key) {
			continue
		}
		columns = append(columns, textColumns(key)...)
		if key == "module" {
			columns = append(columns, Column{Name: "enable", OID: pgtype.BoolOID})
		}
	}
	return columns
}

// Run executes LIST DATA_SOURCES: enable, and every option except the secret ones. An
// option without a value is NULL.
func (c listSources) Run(ctx context.Context, srv *Services) (*Result, error) {
	sources, err := datasource.LoadAll(ctx, srv.DB)
	if err != nil {
		return nil, err
	}
	columns := c.Columns()
	var rows [][]any
	for _, o := range sources {
		var row []any
		for _, column := range columns {
			switch column.Name {
			case "name":
				row = append(row, o.Name)
			case "enable":
				row = append(row, o.Enable)
			default:
				row = append(row, nullableText(o.Get(column.Name)))
			}
		}
		rows = append(rows, row)
	}
	return tableResult(columns, rows), nil
}

// nullableText returns a value that is NULL unless ok.
func nullableText(value string, ok bool) any {
	if !ok {
		return nil
	}
	return value
}
