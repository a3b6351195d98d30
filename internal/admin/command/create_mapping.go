package command

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/pgcode"
	"metadb/internal/transform/jsonmap"
)

// lockMappings blocks batches while the mappings change: each batch reads the mappings anew, and
// holds its lock on them until it is committed.
const lockMappings = "set local lock_timeout = '60s'; lock table metadb.transform_json in access exclusive mode"

// createMapping adds a mapping. It applies to later rows.
func (e *Executor) createMapping(ctx context.Context, c lang.CreateMapping) (*Result, error) {
	if _, err := jsonmap.ParsePath(c.Mapping.Path.Text); err != nil {
		return nil, &Error{Code: pgcode.InvalidParameterValue, Message: err.Error(), Hint: "examples: '$', '$.metadata', '$.tags.tagList'", Position: c.Mapping.Path.At}
	}
	if err := jsonmap.CheckTarget(c.Target.Text); err != nil {
		return nil, &Error{Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("invalid target \"%s\": %v", c.Target.Text, err), Position: c.Target.At}
	}
	result := tagResult("CREATE DATA MAPPING")
	err := e.inTransaction(ctx, func(tx pgx.Tx) error {
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
	e.logChange("data mapping created: table %s column %s path %s to %s", c.Mapping.Table, c.Mapping.Column, c.Mapping.Path.Text, c.Target.Text)
	return result, nil
}

// dropMapping removes a mapping.
func (e *Executor) dropMapping(ctx context.Context, c lang.DropMapping) (*Result, error) {
	result := tagResult("DROP DATA MAPPING")
	err := e.inTransaction(ctx, func(tx pgx.Tx) error {
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
	e.logChange("data mapping dropped: table %s column %s path %s", c.Mapping.Table, c.Mapping.Column, c.Mapping.Path.Text)
	return result, nil
}

// refreshMapping transforms the existing rows.
func (e *Executor) refreshMapping(ctx context.Context, c lang.RefreshMapping) (*Result, error) {
	if e.RefreshMapping == nil {
		return nil, notSupportedError(c)
	}
	t, err := findTable(ctx, e.DB, c.Table)
	if err != nil {
		return nil, err
	}
	if t.main == "" {
		return nil, noTableError(c.Table)
	}
	began := time.Now()
	refreshed, err := e.RefreshMapping(ctx, ident.Qualified{Schema: ident.Name(t.schema), Name: ident.Name(t.current)})
	if err != nil {
		return nil, err
	}
	result := tagResult("REFRESH DATA MAPPING")
	result.addNotice(fmt.Sprintf("%s of table %s transformed in %s: %s written, %d ended", change.Plural(refreshed.Rows, "row", "rows"),
		c.Table, time.Since(began).Round(time.Millisecond), change.Plural(refreshed.Written, "row", "rows"), refreshed.Ended))
	return result, nil
}

// Refreshed is the result of refreshing a table's mappings.
type Refreshed struct {
	// Rows counts the rows of the table, Written and Ended the versions of transformed rows.
	Rows, Written, Ended int
}

// listMappings executes LIST DATA_MAPPINGS.
func (e *Executor) listMappings(ctx context.Context) (*Result, error) {
	const sql = `
select 'json'::text, format('%I.%I', j.schema_name, coalesce(t.main_table, j.table_name || '__')), j.column_name::text, j.path::text, j.map::text
  from metadb.transform_json j
  left join metadb.target_table t on t.stored_schema = j.schema_name and t.current_table = j.table_name
 order by j.schema_name, j.table_name, j.column_name, j.path`
	return e.queryList(ctx, "data_mappings", sql)
}
