package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

// dropMappingCommand is DROP DATA MAPPING ….
func dropMappingCommand() Command {
	return Command{
		Words: "drop data mapping", Claim: "drop data",
		Purpose: "remove a JSON mapping; rows stay until they change",
		Syntax:  "drop data mapping for json from table SCHEMA.TABLE__ column COLUMN path 'PATH'",
		Example: "drop data mapping for json from table library.inventory__ column jsondata path '$'",
		Page:    "json.md",
		Parse:   func(p *lang.Parser) Statement { return dropMapping{Mapping: parseMapping(p)} },
	}
}

type dropMapping struct{ Mapping mapping }

func (c dropMapping) String() string { return "drop " + c.Mapping.String() }

// Run removes a mapping.
func (c dropMapping) Run(ctx context.Context, srv *Services) (*Result, error) {
	result := tagResult("DROP DATA MAPPING")
	err := srv.inTransaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockMappings); err != nil {
			return err
		}
		t, err := findMappedTable(ctx, tx, c.Mapping)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, "delete from metadb.transform_json where schema_name = $1 and table_name = $2 and column_name = $3 and path = $4",
			t.schema, t.current, c.Mapping.Column.Text, c.Mapping.Path.Text)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return &Error{
				Code:    pgcode.UndefinedObject,
				Message: fmt.Sprintf("there is no data mapping for table %s, column %s, path '%s'", c.Mapping.Table, c.Mapping.Column, c.Mapping.Path.Text),
				Hint:    "list data_mappings", Position: c.Mapping.Path.At,
			}
		}
		for _, path := range t.paths {
			if strings.HasPrefix(path, c.Mapping.Path.Text+".") {
				result.addNotice(fmt.Sprintf("path '%s' has no effect any more", path))
			}
		}
		if t.main != "" {
			result.addNotice(fmt.Sprintf("rows that are there stay until they change; to end them run: refresh data mapping for table %s", c.Mapping.Table))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	srv.logChange("data mapping dropped: table %s column %s path %s", c.Mapping.Table, c.Mapping.Column, c.Mapping.Path.Text)
	return result, nil
}
