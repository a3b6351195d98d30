package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
	"metadb/internal/resync"
)

// Querier sends queries to the database.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// NoTable is the text that RenderTable prints for a table that does not exist.
const NoTable = "no table"

// RenderTable prints the columns of a main table that the header line names:
// the versions of each row together, in their order.
// A table that does not exist prints as NoTable, and a time after began, which
// can only be that of an endsync, as "endsync".
func RenderTable(ctx context.Context, db Querier, name, header string, began time.Time) (string, error) {
	schema, table, _ := strings.Cut(name, ".")
	var columns []string
	for column := range strings.SplitSeq(header, "|") {
		columns = append(columns, strings.TrimSpace(column))
	}
	main := ident.Qualified{Schema: ident.Schema(schema), Name: ident.Main(table)}
	keys, err := keyColumns(ctx, db, schema, table)
	if err != nil {
		return "", err
	}
	if keys == nil {
		return NoTable + "\n", nil
	}
	var sql strings.Builder
	sql.WriteString("SELECT ")
	for i, column := range columns {
		if i > 0 {
			sql.WriteString(", ")
		}
		sql.WriteString(ident.Name(column).SQL())
		switch column {
		case "__start", "__end":
		case "tableoid":
			sql.WriteString("::regclass::text")
		default:
			sql.WriteString("::text")
		}
	}
	sql.WriteString(" FROM " + main.SQL() + " ORDER BY __origin, ")
	for _, key := range keys {
		sql.WriteString(ident.StoredColumn(key).SQL() + ", ")
	}
	sql.WriteString("__start, __id")
	rows, err := queryTexts(ctx, db, began, sql.String())
	if err != nil {
		return "", err
	}
	return alignColumns(append([][]string{columns}, rows...)), nil
}

// keyColumns returns the source names of a table's key, nil if there is no such
// table.
func keyColumns(ctx context.Context, db Querier, schema, table string) ([]string, error) {
	rows, err := db.Query(ctx, "SELECT key_columns FROM metadb.target_table WHERE schema_name = $1 AND table_name = $2", schema, table)
	if err != nil {
		return nil, fmt.Errorf("ask for the key of %s.%s: %w", schema, table, err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[[]string])
	if err != nil {
		return nil, fmt.Errorf("ask for the key of %s.%s: %w", schema, table, err)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	return keys[0], nil
}

// RenderCounts prints the counts of an endsync.
func RenderCounts(counts []resync.TableCount) string {
	rows := [][]string{{"table", "current", "confirmed", "ended"}}
	for _, c := range counts {
		rows = append(rows, []string{c.Table.String(), fmt.Sprint(c.Current), fmt.Sprint(c.Confirmed), fmt.Sprint(c.Unconfirmed())})
	}
	return alignColumns(rows)
}

// RenderColumns prints the columns of a main table with their types, the five
// metadata columns left out.
func RenderColumns(ctx context.Context, db Querier, name string) (string, error) {
	schema, table, _ := strings.Cut(name, ".")
	rows, err := queryTexts(ctx, db, time.Time{}, `SELECT a.attname, format_type(a.atttypid, a.atttypmod)
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 5 AND NOT a.attisdropped ORDER BY a.attnum`,
		ident.Schema(schema), ident.Main(table))
	if err != nil {
		return "", err
	}
	return alignColumns(rows), nil
}

// RenderRelations prints the tables of a schema.
func RenderRelations(ctx context.Context, db Querier, schema string) (string, error) {
	rows, err := queryTexts(ctx, db, time.Time{}, `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY c.relname COLLATE "C"`, schema)
	if err != nil {
		return "", err
	}
	return alignColumns(rows), nil
}

// RenderRejected prints where each rejected event was, for which table, and why.
func RenderRejected(ctx context.Context, db Querier) (string, error) {
	rows, err := queryTexts(ctx, db, time.Time{}, `SELECT topic, "offset"::text, schema_name || '.' || table_name, reason
		FROM metadb.rejected_event ORDER BY topic, partition, "offset"`)
	if err != nil {
		return "", err
	}
	return alignColumns(rows), nil
}

// RenderOutdated returns which tables need reading again, and why.
func RenderOutdated(ctx context.Context, db Querier) (string, error) {
	rows, err := queryTexts(ctx, db, time.Time{}, `SELECT schema_name || '.' || table_name, reason FROM metadb.outdated_table ORDER BY 1, 2`)
	if err != nil {
		return "", err
	}
	return alignColumns(rows), nil
}

// queryTexts returns the rows of a query as texts. Times are in the form of ParseTime,
// and a time after began is "endsync".
func queryTexts(ctx context.Context, db Querier, began time.Time, sql string, args ...any) ([][]string, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	defer rows.Close()
	var table [][]string
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sql, err)
		}
		texts := make([]string, len(values))
		for i, value := range values {
			texts[i] = formatValue(value, began)
		}
		table = append(table, texts)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	return table, nil
}

func formatValue(value any, began time.Time) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case time.Time:
		if v.After(began) && v.Year() != 9999 {
			return "endsync"
		}
		return FormatTime(v)
	case string:
		if v == "" || v == "null" || v != strings.TrimSpace(v) {
			return "'" + v + "'"
		}
		return strings.ReplaceAll(v, "\n", `\n`)
	}
	return fmt.Sprint(value)
}

// alignColumns prints rows with aligned columns.
func alignColumns(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var out strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString(" | ")
			}
			line.WriteString(cell + strings.Repeat(" ", widths[i]-len([]rune(cell))))
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return out.String()
}

// SortedLines returns the lines of a text in order, each once.
func SortedLines(lines []string) string {
	lines = slices.Clone(lines)
	slices.Sort(lines)
	lines = slices.Compact(lines)
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
