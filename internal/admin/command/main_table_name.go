package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/lang"
	"metadb/internal/datasource"
	"metadb/internal/ident"
	"metadb/internal/target/pgcode"
)

// findMainTable checks the form of a main table's name, with its schema and two underscores at the
// end, and returns its relation. The table need not exist.
func findMainTable(ctx context.Context, db datasource.Querier, name lang.Object) (ident.Qualified, error) {
	current, isMain := strings.CutSuffix(name.Name.Text, "__")
	if name.Schema.Text == "" || !isMain || current == "" {
		return ident.Qualified{}, notMainTableError(ctx, db, name)
	}
	return ident.Qualified{Schema: ident.Name(name.Schema.Text), Name: ident.Name(name.Name.Text)}, nil
}

// notMainTableError returns the error for a name that is not that of a main table. Its hint names
// the main table if the name is that of a current table, or lacks its schema.
func notMainTableError(ctx context.Context, db datasource.Querier, name lang.Object) error {
	refused := &Error{
		Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("%s is not the name of a main table", name), Position: name.At(),
		Hint: "write the schema, and the table's name with its two underscores: library.inventory__",
	}
	const sql = `
SELECT stored_schema, main_table, current_table = $2
  FROM metadb.target_table
 WHERE $1 IN ('', stored_schema) AND $2 IN (current_table, main_table)
 ORDER BY 1, 2`
	rows, err := db.Query(ctx, sql, name.Schema.Text, name.Name.Text)
	if err != nil {
		return err
	}
	var meant []string
	var schema, main string
	var isCurrent bool
	_, err = pgx.ForEachRow(rows, []any{&schema, &main, &isCurrent}, func() error {
		meant = append(meant, ident.Qualified{Schema: ident.Name(schema), Name: ident.Name(main)}.Word())
		return nil
	})
	switch {
	case err != nil:
		return err
	case len(meant) == 0:
	case isCurrent:
		refused.Hint = fmt.Sprintf("%s is the current table; name its main table: %s", name, strings.Join(meant, " or "))
	default:
		refused.Hint = "name it with its schema: " + strings.Join(meant, " or ")
	}
	return refused
}
