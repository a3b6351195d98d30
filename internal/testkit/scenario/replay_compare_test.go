package scenario_test

import (
	"context"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/testkit/corpus"
)

// same fails if the current tables differ from the source's at the end of the
// recording.
func (r *replay) same(t *testing.T) {
	t.Helper()
	for value, n := range r.differences(t) {
		t.Errorf("%s differs %d times", value, n)
	}
}

// explain logs the stream's warnings and the reasons of rejected events.
func (r *replay) explain(t *testing.T) {
	t.Helper()
	for _, line := range r.log.text() {
		t.Log("log: " + line)
	}
	for _, row := range r.texts(t, "SELECT reason, count(*) AS n FROM metadb.rejected_event GROUP BY reason") {
		t.Logf("rejected: %s (%s)", *row["reason"], *row["n"])
	}
}

// catalog loads the tables from the database. The stream's own catalog may lack the
// last batch, since the stream is stopped as soon as that is committed.
func (r *replay) catalog(t *testing.T) *catalog.Snapshot {
	t.Helper()
	store := catalog.NewStore()
	if err := store.Load(t.Context(), r.db.Pool); err != nil {
		t.Fatal(err)
	}
	return store.Snapshot()
}

// differences counts the values that differ by table and column, and the rows
// that only one side has by table and "rows".
func (r *replay) differences(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	r.differ(t, func(table change.Table, column string, _ map[string]*string) { found[table.String()+" "+column]++ })
	return found
}

// differ compares the current tables with the rows of the source, and names each
// value that differs with its row. A row that only one side has is a difference
// in "rows".
func (r *replay) differ(t *testing.T, differs func(table change.Table, column string, row map[string]*string)) {
	t.Helper()
	stored := r.catalog(t)
	tables := map[change.Table][]corpus.Row{}
	for _, row := range corpus.SourceRows(t, r.name) {
		name := change.Table{Schema: row.Schema, Name: row.Table}
		tables[name] = append(tables[name], row)
	}
	fed := map[*catalog.Table]bool{}
	for name, rows := range tables {
		event := change.Event{Op: change.Upsert, Source: name}
		r.router.Route(&event)
		table := stored.Table(event.Table)
		fed[table] = true
		switch {
		case event.Op == change.Ignore && table == nil:
		case table == nil:
			for _, row := range rows {
				differs(name, "rows", row.Text)
			}
		default:
			r.compareKeyed(t, table, event.Origin, rows, func(column string, row map[string]*string) { differs(name, column, row) })
		}
	}
	for table := range stored.All() {
		if fed[table] || table.IsTransformed() {
			continue
		}
		for _, row := range r.texts(t, "SELECT * FROM "+table.Current.SQL()) {
			differs(table.Name, "rows", row)
		}
	}
}

// compareKeyed compares the rows of one table and origin, by their keys.
func (r *replay) compareKeyed(t *testing.T, table *catalog.Table, origin change.Origin, rows []corpus.Row, differs func(column string, row map[string]*string)) {
	t.Helper()
	stored := map[string]map[string]*string{}
	for _, row := range r.texts(t, "SELECT * FROM "+table.Current.SQL()) {
		if *row[string(ident.Origin)] == string(origin) {
			byName := map[string]*string{}
			for _, column := range table.Columns {
				byName[column.Name] = row[string(column.Stored)]
			}
			stored[rowKey(table, byName)] = byName
		}
	}
	for _, row := range rows {
		key := rowKey(table, row.Text)
		got, ok := stored[key]
		if !ok {
			differs("rows", row.Text)
			continue
		}
		delete(stored, key)
		for column, want := range row.Text {
			if at := table.Column(column); want != nil && at >= 0 && table.Columns[at].Type == change.JSONB {
				want = r.canonical(t, string(row.JSON[column]))
			}
			if s := got[column]; (want == nil) != (s == nil) || want != nil && *want != *s {
				differs(column, row.Text)
			}
		}
	}
	for _, row := range stored {
		differs("rows", row)
	}
}

// rowKey is the text of a row's key.
func rowKey(table *catalog.Table, row map[string]*string) string {
	var key strings.Builder
	for _, at := range table.Key {
		if value := row[table.Columns[at].Name]; value != nil {
			key.WriteString(*value)
		}
		key.WriteByte(0)
	}
	return key.String()
}

// canonical returns a document as PostgreSQL prints it, or itself where jsonb
// can't hold it.
func (r *replay) canonical(t *testing.T, document string) *string {
	t.Helper()
	var text string
	if err := r.db.Pool.QueryRow(t.Context(), "SELECT $1::jsonb::text", document).Scan(&text); err != nil {
		return &document
	}
	return &text
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
