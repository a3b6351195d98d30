package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/admin/lang"
	"metadb/internal/datasource"
	"metadb/internal/ident"
	"metadb/internal/target/pgcode"
)

// mappedTable is a table with mappings. The names are those in PostgreSQL; main is empty while the
// table does not exist.
type mappedTable struct {
	schema, current, main string
	transformed           bool
	// paths and targets are those of the table's mappings; paths only of the command's column.
	paths, targets []string
}

// findTable returns the table of a main table's name, with empty main if there is no such table.
func findTable(ctx context.Context, db datasource.Querier, name lang.Object) (*mappedTable, error) {
	main, err := findMainTable(ctx, db, name)
	if err != nil {
		return nil, err
	}
	t := &mappedTable{schema: name.Schema.Text, current: strings.TrimSuffix(string(main.Name), "__")}
	const sql = `
select t.current_table, t.main_table, b.transformed
  from metadb.target_table t
  join metadb.base_table b on b.schema_name = t.stored_schema and b.table_name = t.current_table
 where t.stored_schema = $1 and t.main_table = $2`
	rows, err := db.Query(ctx, sql, name.Schema.Text, name.Name.Text)
	if err != nil {
		return nil, err
	}
	_, err = pgx.ForEachRow(rows, []any{&t.current, &t.main, &t.transformed}, func() error { return nil })
	return t, err
}

// findMappedTable returns a mapping's table with its mappings.
func findMappedTable(ctx context.Context, tx pgx.Tx, m mapping) (*mappedTable, error) {
	t, err := findTable(ctx, tx, m.Table)
	if err != nil {
		return nil, err
	}
	if t.transformed {
		return nil, &Error{Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("table %s is made by a mapping itself", m.Table), Position: m.Table.At()}
	}
	rows, err := tx.Query(ctx, "select column_name, path, map from metadb.transform_json where schema_name = $1 and table_name = $2", t.schema, t.current)
	if err != nil {
		return nil, err
	}
	var column, path, target string
	_, err = pgx.ForEachRow(rows, []any{&column, &path, &target}, func() error {
		if column == m.Column.Text {
			t.paths = append(t.paths, path)
		}
		t.targets = append(t.targets, target)
		return nil
	})
	return t, err
}

// checkColumn refuses a column that can't contain JSON.
func (t *mappedTable) checkColumn(ctx context.Context, tx pgx.Tx, m mapping) error {
	if t.main == "" {
		return nil
	}
	rows, err := tx.Query(ctx, `
select a.attname::text, a.atttypid, format_type(a.atttypid, a.atttypmod)
  from pg_catalog.pg_attribute a
 where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
 order by a.attnum`, ident.Qualified{Schema: ident.Name(t.schema), Name: ident.Name(t.main)}.SQL())
	if err != nil {
		return err
	}
	var name, shown, found string
	var kind, of uint32
	var suitable []string
	_, err = pgx.ForEachRow(rows, []any{&name, &kind, &shown}, func() error {
		if name == m.Column.Text {
			found, of = shown, kind
		}
		if kind == pgtype.JSONBOID {
			suitable = append(suitable, ident.Name(name).SQL())
		}
		return nil
	})
	hint := "columns of type jsonb: " + strings.Join(suitable, ", ")
	if suitable == nil {
		hint = "the table has no column of type jsonb"
	}
	switch {
	case err != nil:
		return err
	case found == "" || ident.IsMetadata(ident.Name(m.Column.Text)):
		return &Error{Code: pgcode.UndefinedColumn, Message: fmt.Sprintf("table %s has no column %s", m.Table, m.Column), Hint: hint, Position: m.Column.At}
	case of != pgtype.JSONBOID && of != pgtype.TextOID:
		return &Error{Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("column %s has type %s, which is not JSON", m.Column, found), Hint: hint, Position: m.Column.At}
	}
	return nil
}

// checkUnmapped refuses a path that is mapped already, and a target that is in use.
func (t *mappedTable) checkUnmapped(ctx context.Context, tx pgx.Tx, c createMapping) error {
	if slices.Contains(t.paths, c.Mapping.Path.Text) {
		return &Error{
			Code:    pgcode.DuplicateObject,
			Message: fmt.Sprintf("column %s of table %s has a data mapping for path '%s' already", c.Mapping.Column, c.Mapping.Table, c.Mapping.Path.Text),
			Hint:    "drop it first", Position: c.Mapping.Path.At,
		}
	}
	if slices.Contains(t.targets, c.Target.Text) {
		return &Error{
			Code:    pgcode.DuplicateObject,
			Message: fmt.Sprintf("table %s has a data mapping to '%s' already", c.Mapping.Table, c.Target.Text), Position: c.Target.At,
		}
	}
	// A relation of this name conflicts unless it was made by a mapping of this table.
	name := t.current + "__" + c.Target.Text
	const sql = `
select exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                where n.nspname = $1 and c.relname = any ($2))
   and not exists (select from metadb.base_table b
                    where b.schema_name = $1 and b.table_name = $3 and b.transformed
                      and b.parent_schema_name = $1 and b.parent_table_name = $4)`
	var taken bool
	relations := []string{string(ident.Current(name)), string(ident.Main(name))}
	if err := tx.QueryRow(ctx, sql, t.schema, relations, relations[0], t.current).Scan(&taken); err != nil {
		return err
	}
	if taken {
		return &Error{
			Code:    pgcode.DuplicateObject,
			Message: fmt.Sprintf("target '%s' would make table %s.%s, which exists already", c.Target.Text, t.schema, relations[0]), Position: c.Target.At,
		}
	}
	return nil
}

// noTableError returns the error for a table that does not exist.
func noTableError(name lang.Object) *Error {
	return &Error{Code: pgcode.UndefinedTable, Message: fmt.Sprintf("table %s does not exist", name), Position: name.At()}
}
