package command

import (
	"context"

	"metadb/internal/datasource"
)

// listSources executes LIST DATA_SOURCES: enable, and every option except the secret ones. An
// option without a value is NULL.
func (e *Executor) listSources(ctx context.Context) (*Result, error) {
	sources, err := datasource.LoadAll(ctx, e.DB)
	if err != nil {
		return nil, err
	}
	columns := describeList("data_sources")
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
