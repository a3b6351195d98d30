package debezium_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/corpus"
	"metadb/internal/datatype"
	"metadb/internal/debezium"
	"metadb/internal/pgtest"
)

// distinctCells decodes every recorded event and returns the different values
// of each type.
func distinctCells(t *testing.T) map[change.Type]map[string]bool {
	t.Helper()
	cells := map[change.Type]map[string]bool{}
	for _, scenario := range corpus.Scenarios(t) {
		decoder := debezium.NewDecoder(debezium.Config{})
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

// PostgreSQL takes every value of the corpus as it is decoded, by binary COPY,
// and prints what Format says.
func TestPostgreSQLTakesTheCorpus(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), pgtest.New(t).ConnString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if _, err := conn.Exec(t.Context(), "SET timezone = 'UTC'"); err != nil {
		t.Fatal(err)
	}
	for typ, values := range distinctCells(t) {
		if _, err := conn.Exec(t.Context(), "CREATE TEMPORARY TABLE stored (n bytea, v "+typ.String()+")"); err != nil {
			t.Fatal(err)
		}
		data := append([]byte("PGCOPY\n\xff\r\n\x00"), make([]byte, 8)...)
		for value := range values {
			data = binary.BigEndian.AppendUint16(data, 2)
			data = change.AppendValue(data, []byte(value))
			data = change.AppendValue(data, []byte(value))
		}
		data = append(data, 0xff, 0xff)
		tag, err := conn.PgConn().CopyFrom(t.Context(), bytes.NewReader(data), "COPY stored FROM STDIN (FORMAT binary)")
		if err != nil || tag.RowsAffected() != int64(len(values)) {
			t.Fatalf("%s: %s, %v", typ, tag, err)
		}
		rows, err := conn.Query(t.Context(), "SELECT n, v::text FROM stored")
		if err != nil {
			t.Fatal(err)
		}
		var value []byte
		var printed string
		if _, err := pgx.ForEachRow(rows, []any{&value, &printed}, func() error {
			text, err := datatype.Format(typ, change.Cell{Bytes: value})
			if err == nil && text != printed {
				t.Errorf("%s: Format says %s, PostgreSQL %s", typ, text, printed)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "DROP TABLE stored"); err != nil {
			t.Fatal(err)
		}
	}
}
