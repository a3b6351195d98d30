//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// metadata are the columns that a main table has before the source's.
var metadata = []string{"__id", "__start", "__end", "__current", "__origin"}

// compareSchemas compares every table of the source's schemas with the current table of the
// same name at the target, row by row and value by value, and returns the first differences.
func compareSchemas(ctx context.Context, source *source, target *pgxpool.Pool, schemas ...string) error {
	tables, err := queryTexts(ctx, source.pool, `SELECT table_schema, table_name FROM information_schema.tables
		WHERE table_schema = ANY ($1) AND table_type = 'BASE TABLE' ORDER BY 1, 2`, schemas)
	if err != nil {
		return err
	}
	if len(tables) == 0 {
		return fmt.Errorf("the source has no tables in %v", schemas)
	}
	var differences []error
	for _, table := range tables {
		if err := compareTable(ctx, source.pool, target, pgx.Identifier(table)); err != nil {
			differences = append(differences, fmt.Errorf("%s.%s: %w", table[0], table[1], err))
		}
	}
	return errors.Join(differences...)
}

func compareTable(ctx context.Context, source, target *pgxpool.Pool, table pgx.Identifier) error {
	columns, err := columnsOf(ctx, source, table)
	if err != nil {
		return err
	}
	stored, err := columnsOf(ctx, target, table)
	if err != nil {
		return err
	}
	where := ""
	for _, column := range stored {
		// A column that the source has dropped stays, for history.
		if !slices.Contains(columns, column) && !slices.Contains(metadata, column) {
			where = " WHERE " + pgx.Identifier{column}.Sanitize() + " IS NOT NULL"
			gone, err := queryTexts(ctx, target, "SELECT 1::text FROM "+table.Sanitize()+where)
			if err != nil {
				return err
			}
			if len(gone) > 0 {
				return fmt.Errorf("%d current rows have a value in %s, which the source has no more", len(gone), column)
			}
		}
	}
	want, err := queryTexts(ctx, source, contentsSQL(table, columns))
	if err != nil {
		return err
	}
	got, err := queryTexts(ctx, target, contentsSQL(table, columns))
	if err != nil {
		return err
	}
	return describeDifference(columns, want, got)
}

// contentsSQL returns a query of all rows, each value as text, in the same order on both sides.
func contentsSQL(table pgx.Identifier, columns []string) string {
	var list, order strings.Builder
	for i, column := range columns {
		if i > 0 {
			list.WriteString(", ")
			order.WriteString(", ")
		}
		name := pgx.Identifier{column}.Sanitize()
		list.WriteString(name + "::text")
		order.WriteString(name + `::text COLLATE "C"`)
	}
	return "SELECT " + list.String() + " FROM " + table.Sanitize() + " ORDER BY " + order.String()
}

// describeDifference returns an error with the first rows that only one side has; nil without
// any.
func describeDifference(columns []string, want, got [][]string) error {
	const shown = 5
	count := map[string]int{}
	for _, row := range want {
		count[strings.Join(row, " | ")]++
	}
	for _, row := range got {
		count[strings.Join(row, " | ")]--
	}
	var lines []string
	for row, n := range count {
		if n > 0 {
			lines = append(lines, "missing at the target: "+row)
		}
		if n < 0 {
			lines = append(lines, "only at the target:    "+row)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	slices.Sort(lines)
	return fmt.Errorf("%d rows at the source, %d at the target, %d differ (%s):\n%s",
		len(want), len(got), len(lines), strings.Join(columns, " | "), strings.Join(lines[:min(shown, len(lines))], "\n"))
}

func columnsOf(ctx context.Context, db *pgxpool.Pool, table pgx.Identifier) ([]string, error) {
	rows, err := db.Query(ctx, `SELECT column_name::text FROM information_schema.columns
		WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position`, table[0], table[1])
	if err != nil {
		return nil, err
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(columns) == 0 {
		err = fmt.Errorf("there is no such table")
	}
	return columns, err
}

// queryTexts returns the rows of a query as texts, with times in UTC. NULL is "<NULL>".
func queryTexts(ctx context.Context, db *pgxpool.Pool, sql string, args ...any) ([][]string, error) {
	tx, err := db.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, "SET LOCAL TimeZone = 'UTC'"); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]string, error) {
		values, err := row.Values()
		if err != nil {
			return nil, err
		}
		line := make([]string, len(values))
		for i, value := range values {
			if value == nil {
				line[i] = "<NULL>"
				continue
			}
			line[i] = fmt.Sprint(value)
		}
		return line, nil
	})
}

func TestDifferSeesADifference(t *testing.T) {
	columns := []string{"id", "name"}
	one := [][]string{{"1", "Ann"}, {"2", "Bob"}}
	if err := describeDifference(columns, one, slices.Clone(one)); err != nil {
		t.Errorf("equal rows differ: %v", err)
	}
	for _, other := range [][][]string{one[:1], {{"1", "Ann"}, {"2", "bob"}}, {{"1", "Ann"}, {"2", "Bob"}, {"2", "Bob"}}} {
		if describeDifference(columns, one, other) == nil {
			t.Errorf("%v does not differ from %v", other, one)
		}
	}
}
