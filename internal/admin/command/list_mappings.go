package command

import (
	"context"

	"metadb/internal/admin/lang"
)

// listMappingsCommand is LIST DATA_MAPPINGS.
func listMappingsCommand() Command {
	return Command{
		Words: "list data_mappings", Claim: "list",
		Purpose:   "show the JSON mappings",
		Syntax:    "list data_mappings",
		Example:   "list data_mappings",
		Page:      "#what-there-is",
		OnlyShows: true,
		Parse:     func(*lang.Parser) Statement { return listMappings{} },
	}
}

type listMappings struct{}

func (listMappings) String() string { return "list data_mappings" }

// Columns implements Tabular.
func (listMappings) Columns() []Column {
	return textColumns("mapping_type", "table_name", "column_name", "object_path", "target_identifier")
}

// Run executes LIST DATA_MAPPINGS.
func (c listMappings) Run(ctx context.Context, srv *Services) (*Result, error) {
	const sql = `
select 'json'::text, format('%I.%I', j.schema_name, coalesce(t.main_table, j.table_name || '__')), j.column_name::text, j.path::text, j.map::text
  from metadb.transform_json j
  left join metadb.target_table t on t.stored_schema = j.schema_name and t.current_table = j.table_name
 order by j.schema_name, j.table_name, j.column_name, j.path`
	return srv.queryList(ctx, c.Columns(), sql)
}
