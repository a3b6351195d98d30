package consistency

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/ident"
)

// targetTable is a target table as metadb.target_table describes it.
type targetTable struct {
	name                         change.Table
	current, main, history, sync ident.Qualified
	// key has the stored columns that, with __origin, identify a row, keySourceNames their names at the
	// source.
	key            []ident.Name
	keySourceNames []string
	// mappingFingerprint identifies the mappings for which its transformed tables are complete.
	mappingFingerprint string
	// transformed means that the rows are made from those of parent, which is named by its current
	// table.
	transformed bool
	parent      ident.Qualified
}

// displayName returns the table's name in findings: that of the main table.
func (t *targetTable) displayName() string { return t.main.String() }

// keyTextSQL returns the SQL expression of a row's key as text.
func (t *targetTable) keyTextSQL(alias string) string {
	sql := ""
	for i, column := range t.key {
		if i > 0 {
			sql += ", "
		}
		sql += alias + "." + column.SQL()
	}
	return "ROW(" + sql + ")::text"
}

// identitySQL lists the columns that identify a row.
func (t *targetTable) identitySQL() string {
	return ident.List(append([]ident.Name{ident.Origin}, t.key...))
}

const tablesSQL = `
SELECT t.schema_name, t.table_name, t.stored_schema, t.current_table, t.main_table, t.history_table, t.sync_table, t.key_columns, t.mapped,
       coalesce(b.transformed, false), coalesce(b.parent_schema_name, ''), coalesce(b.parent_table_name, '')
  FROM metadb.target_table t
  LEFT JOIN metadb.base_table b ON b.schema_name = t.stored_schema AND b.table_name = t.current_table
 ORDER BY 1, 2`

// loadTables reads the tables that should exist.
func (v *verifier) loadTables(ctx context.Context) ([]*targetTable, error) {
	var found []*targetTable
	err := v.inReadOnlyTx(ctx, func(tx pgx.Tx) error {
		stored, err := loadStoredNames(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, tablesSQL)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*targetTable, error) {
			t := &targetTable{}
			var schema, current, main, history, sync ident.Name
			err := row.Scan(&t.name.Schema, &t.name.Name, &schema, &current, &main, &history, &sync, &t.keySourceNames, &t.mappingFingerprint,
				&t.transformed, &t.parent.Schema, &t.parent.Name)
			in := func(name ident.Name) ident.Qualified { return ident.Qualified{Schema: schema, Name: name} }
			t.current, t.main, t.history, t.sync = in(current), in(main), in(history), in(sync)
			for _, source := range t.keySourceNames {
				name, renamed := stored[[3]string{t.name.Schema, t.name.Name, source}]
				if !renamed {
					name = ident.StoredColumn(source)
				}
				t.key = append(t.key, name)
			}
			return t, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the list of tables: %w", err)
	}
	return found, nil
}

// loadStoredNames reads the columns that are stored under another name, by schema, table and name at
// the source.
func loadStoredNames(ctx context.Context, tx pgx.Tx) (map[[3]string]ident.Name, error) {
	rows, err := tx.Query(ctx, "SELECT schema_name, table_name, source_name, stored_name FROM metadb.target_column")
	if err != nil {
		return nil, err
	}
	names := make(map[[3]string]ident.Name)
	var of [3]string
	var stored ident.Name
	_, err = pgx.ForEachRow(rows, []any{&of[0], &of[1], &of[2], &stored}, func() error {
		names[of] = stored
		return nil
	})
	return names, err
}
