package demo

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
	"metadb/internal/testkit/eventgen"
)

// Check compares the current tables with the library's own rows, value by value.
func (l *Library) Check(ctx context.Context, db *pgx.Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.orderedTables() {
		if err := t.checkRows(ctx, db); err != nil {
			return fmt.Errorf("%s.%s: %w", schema, t.definition.Name, err)
		}
	}
	return nil
}

// Rows is the number of the library's rows.
func (l *Library) Rows() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, t := range l.orderedTables() {
		n += len(t.rows)
	}
	return n
}

// selectSQL selects the table's columns as texts.
func (t *libraryTable) selectSQL() string {
	var sql strings.Builder
	sql.WriteString("SELECT ")
	for i, column := range t.definition.Columns {
		if i > 0 {
			sql.WriteString(", ")
		}
		sql.WriteString(ident.Name(column.Name).SQL() + "::text")
	}
	sql.WriteString(" FROM " + ident.Qualified{Schema: schema, Name: ident.Current(t.definition.Name)}.SQL())
	return sql.String()
}

func (t *libraryTable) checkRows(ctx context.Context, db *pgx.Conn) error {
	rows, err := db.Query(ctx, t.selectSQL())
	if err != nil {
		return err
	}
	defer rows.Close()
	seen := 0
	for rows.Next() {
		seen++
		texts := make([]*string, len(t.definition.Columns))
		targets := make([]any, len(texts))
		for i := range texts {
			targets[i] = &texts[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		row, known := t.rows[*texts[0]]
		if !known {
			return fmt.Errorf("row %s is current, but the library has no such row", *texts[0])
		}
		if err := t.compareRow(row, texts); err != nil {
			return fmt.Errorf("row %s: %w", *texts[0], err)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if seen != len(t.rows) {
		return fmt.Errorf("%d current rows, and the library has %d", seen, len(t.rows))
	}
	return nil
}

// compareRow compares a row of the library with the texts of the stored one.
func (t *libraryTable) compareRow(row []any, stored []*string) error {
	for i, column := range t.definition.Columns {
		if row[i] == nil || stored[i] == nil {
			if row[i] != nil || stored[i] != nil {
				return fmt.Errorf("column %s: only one side is NULL", column.Name)
			}
			continue
		}
		want, err := eventgen.FormatValue(column.Kind, row[i])
		if err != nil {
			return err
		}
		if *stored[i] != want {
			return fmt.Errorf("column %s is %s, and the library has %s", column.Name, *stored[i], want)
		}
	}
	return nil
}
