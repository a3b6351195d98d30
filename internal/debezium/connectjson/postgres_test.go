package connectjson_test

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/testkit/corpus"
	"metadb/internal/testkit/pgtest"
)

// distinctCells decodes every recorded event and returns the different values
// of each type.
func distinctCells(t *testing.T) map[change.Type]map[string]bool {
	t.Helper()
	cells := map[change.Type]map[string]bool{}
	for _, scenario := range corpus.Scenarios(t) {
		decoder := connectjson.NewDecoder(connectjson.Config{})
		for _, record := range corpus.Events(t, scenario) {
			event := decoder.Decode(inputOf(record))
			for i, cell := range event.Row.Cells() {
				typ := event.Shape.Columns[i].Type
				if cells[typ] == nil {
					cells[typ] = map[string]bool{}
				}
				if cell.State == change.Present {
					cells[typ][string(cell.Bytes)] = true
				}
			}
		}
	}
	return cells
}

// printed copies cells of one type into PostgreSQL, by binary COPY, and returns
// PostgreSQL's text of each.
func printed(t *testing.T, typ change.Type, cells []string) map[string]string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.New(t).ConnString)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if _, err := conn.Exec(t.Context(), "SET timezone = 'UTC'; CREATE TEMPORARY TABLE stored (n bytea, v "+typ.String()+")"); err != nil {
		t.Fatal(err)
	}
	data := append([]byte("PGCOPY\n\xff\r\n\x00"), make([]byte, 8)...)
	for _, cell := range cells {
		data = binary.BigEndian.AppendUint16(data, 2)
		data = change.AppendValue(data, []byte(cell))
		data = change.AppendValue(data, []byte(cell))
	}
	data = append(data, 0xff, 0xff)
	tag, err := conn.PgConn().CopyFrom(t.Context(), bytes.NewReader(data), "COPY stored FROM STDIN (FORMAT binary)")
	if err != nil || tag.RowsAffected() != int64(len(cells)) {
		t.Fatalf("%s: %s, %v", typ, tag, err)
	}
	rows, err := conn.Query(t.Context(), "SELECT n, v::text FROM stored")
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string, len(cells))
	var cell []byte
	var text string
	if _, err := pgx.ForEachRow(rows, []any{&cell, &text}, func() error {
		texts[string(cell)] = text
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return texts
}

// TestPostgreSQLTakesTheCorpus copies every decoded value of the corpus into
// PostgreSQL, and compares PostgreSQL's text with that of Format.
func TestPostgreSQLTakesTheCorpus(t *testing.T) {
	for typ, values := range distinctCells(t) {
		for cell, text := range printed(t, typ, slices.Collect(maps.Keys(values))) {
			formatted, err := datatype.Format(typ, change.Cell{Bytes: []byte(cell)})
			if err != nil || formatted != text {
				t.Errorf("%s: Format says %s, %v, PostgreSQL %s", typ, formatted, err, text)
			}
		}
	}
}
