package command

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
	"metadb/internal/transform/jsonmap"
)

// createMappingCommand is CREATE DATA MAPPING … TO 'X'.
func createMappingCommand() Command {
	return Command{
		Words: "create data mapping", Claim: "create data",
		Purpose: "make columns and tables of the JSON in a column",
		Syntax:  "create data mapping for json from table SCHEMA.TABLE__ column COLUMN path 'PATH' to 'TARGET'",
		Example: "create data mapping for json from table library.inventory__ column jsondata path '$' to 't'",
		Page:    "json.md",
		Parse: func(p *lang.Parser) Statement {
			c := createMapping{Mapping: parseMapping(p)}
			p.Expect("to")
			c.Target = p.Value("a name")
			return c
		},
	}
}

type createMapping struct {
	Mapping mapping
	Target  lang.Value
}

func (c createMapping) String() string { return fmt.Sprintf("create %s to %s", c.Mapping, c.Target) }

// lockMappings blocks batches while the mappings change: each batch reads the mappings anew, and
// holds its lock on them until it is committed.
const lockMappings = "set local lock_timeout = '60s'; lock table metadb.transform_json in access exclusive mode"

// Run adds a mapping. It applies to later rows.
func (c createMapping) Run(ctx context.Context, srv *Services) (*Result, error) {
	if _, err := jsonmap.ParsePath(c.Mapping.Path.Text); err != nil {
		return nil, &Error{Code: pgcode.InvalidParameterValue, Message: err.Error(), Hint: "examples: '$', '$.metadata', '$.tags.tagList'", Position: c.Mapping.Path.At}
	}
	if err := jsonmap.CheckTarget(c.Target.Text); err != nil {
		return nil, &Error{Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("invalid target \"%s\": %v", c.Target.Text, err), Position: c.Target.At}
	}
	result := tagResult("CREATE DATA MAPPING")
	err := srv.inTransaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockMappings); err != nil {
			return err
		}
		t, err := findMappedTable(ctx, tx, c.Mapping)
		if err != nil {
			return err
		}
		if err := t.checkColumn(ctx, tx, c.Mapping); err != nil {
			return err
		}
		if err := t.checkUnmapped(ctx, tx, c); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "insert into metadb.transform_json (schema_name, table_name, column_name, path, map) values ($1, $2, $3, $4, $5)",
			t.schema, t.current, c.Mapping.Column.Text, c.Mapping.Path.Text, c.Target.Text)
		if err != nil {
			return err
		}
		if above, below := jsonmap.ParentPath(c.Mapping.Path.Text); below && !slices.Contains(t.paths, above) {
			result.addNotice(fmt.Sprintf("path '%s' has an effect only when path '%s' is mapped too", c.Mapping.Path.Text, above))
		}
		switch {
		case t.main == "":
			result.addNotice(fmt.Sprintf("table %s does not exist yet", c.Mapping.Table))
		default:
			result.addNotice(fmt.Sprintf("the mapping holds for new rows; for those that are there run: refresh data mapping for table %s", c.Mapping.Table))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	srv.logChange("data mapping created: table %s column %s path %s to %s", c.Mapping.Table, c.Mapping.Column, c.Mapping.Path.Text, c.Target.Text)
	return result, nil
}
