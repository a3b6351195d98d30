package scenario_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"metadb/internal/corpus"
	"metadb/internal/ident"
)

// exception is where a right target differs from the source, and why.
type exception struct {
	table string
	// column is empty where it is whole rows that differ.
	column string
	// count is in how many rows or values they differ.
	count int
	why   string
}

// compare holds the current tables against the rows that the source had when
// the recording ended. Each difference must be one of the exceptions, and each
// exception must be seen as often as it says.
func (r *replay) compare(t *testing.T, exceptions ...exception) {
	t.Helper()
	type place struct{ table, column string }
	seen := map[place]int{}
	tables := map[string][]corpus.Row{}
	for _, row := range corpus.Source(t, r.name) {
		name := row.Schema + "." + row.Table
		tables[name] = append(tables[name], row)
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		differences := r.compareTable(t, name, tables[name])
		for column, n := range differences {
			seen[place{name, column}] += n
		}
	}
	for _, row := range r.texts(t, `SELECT schema_name || '.' || table_name AS name, schema_name, table_name FROM metadb.target_table`) {
		if tables[*row["name"]] == nil {
			seen[place{*row["name"], ""}] = len(r.current(t, *row["schema_name"], *row["table_name"]))
		}
	}
	for _, e := range exceptions {
		at := place{e.table, e.column}
		if seen[at] != e.count {
			t.Errorf("%s %s differs %d times, and the exception (%s) says %d", e.table, e.column, seen[at], e.why, e.count)
		}
		delete(seen, at)
	}
	for at, n := range seen {
		if n > 0 {
			t.Errorf("%s %s differs %d times", at.table, at.column, n)
		}
	}
}

// compareTable counts the rows that only one side has (column ""), and for rows
// that have a counterpart with the same first columns, the values that differ.
func (r *replay) compareTable(t *testing.T, name string, want []corpus.Row) map[string]int {
	t.Helper()
	schema, table, _ := strings.Cut(name, ".")
	columns := slices.Sorted(maps.Keys(want[0].Text))
	stored := r.current(t, schema, table)
	if stored == nil {
		return map[string]int{"": len(want)}
	}
	differences := map[string]int{}
	for _, row := range want {
		at := slices.IndexFunc(stored, func(s map[string]*string) bool { return len(differing(columns, row.Text, s)) == 0 })
		if at < 0 {
			// A row of the source that is not stored, or not so: its nearest
			// counterpart tells in which values.
			at = nearest(columns, row.Text, stored)
			if at < 0 {
				differences[""]++
				continue
			}
			for _, column := range differing(columns, row.Text, stored[at]) {
				differences[column]++
			}
		}
		stored = slices.Delete(stored, at, at+1)
	}
	differences[""] += len(stored)
	for _, s := range stored {
		t.Logf("%s: only at the target: %s", name, printed(s))
	}
	return differences
}

// nearest returns the stored row that has most values in common, -1 if none has
// more than half of them.
func nearest(columns []string, row map[string]*string, stored []map[string]*string) int {
	best, least := -1, (len(columns)+1)/2
	for i, s := range stored {
		if n := len(differing(columns, row, s)); n < least {
			best, least = i, n
		}
	}
	return best
}

// differing returns the columns in which a row differs. A column that the
// target has not is NULL.
func differing(columns []string, want, stored map[string]*string) []string {
	var names []string
	for _, column := range columns {
		w, s := want[column], stored[column]
		if (w == nil) != (s == nil) || w != nil && *w != *s {
			names = append(names, column)
		}
	}
	return names
}

// current returns the rows of a current table as texts, nil if there is none.
func (r *replay) current(t *testing.T, schema, table string) []map[string]*string {
	t.Helper()
	relation := ident.Qualified{Schema: ident.Schema(schema), Name: ident.Current(table)}
	var exists bool
	if err := r.db.Pool.QueryRow(t.Context(), "SELECT to_regclass($1) IS NOT NULL", relation.SQL()).Scan(&exists); err != nil {
		t.Fatal(err)
	}
	if !exists {
		return nil
	}
	return r.texts(t, "SELECT * FROM "+relation.SQL())
}

// texts returns the answer with each value cast to text, in UTC.
func (r *replay) texts(t *testing.T, query string) []map[string]*string {
	t.Helper()
	tx, err := r.db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), "SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 1"); err != nil {
		t.Fatal(err)
	}
	rows, err := tx.Conn().PgConn().Exec(t.Context(), query).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	answer := []map[string]*string{}
	for _, values := range rows[0].Rows {
		row := map[string]*string{}
		for i, field := range rows[0].FieldDescriptions {
			if values[i] == nil {
				row[field.Name] = nil
				continue
			}
			text := string(values[i])
			// Casting a boolean to text, unlike printing it, spells it out.
			if field.DataTypeOID == 16 {
				text = map[string]string{"t": "true", "f": "false"}[text]
			}
			row[field.Name] = &text
		}
		answer = append(answer, row)
	}
	return answer
}

func printed(row map[string]*string) string {
	text, err := json.Marshal(row)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
