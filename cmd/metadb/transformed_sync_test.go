package main

import (
	"fmt"
	"strings"
	"testing"

	"metadb/internal/testkit/eventgen"
)

// TestOneTableWithTransformedTables synchronizes a table with transformed documents: rows of the
// transformed table are confirmed, end and change with their parents; those of another parent are
// unchanged.
func TestOneTableWithTransformedTables(t *testing.T) {
	l, step := synchronized(t)
	step.admin("create data mapping for json from table library.item__ column doc path '$' to 't'")
	step.admin("create data mapping for json from table library.other__ column doc path '$' to 't'")
	encoders := make(map[string]*eventgen.Encoder)
	write := func(table string, op byte, mark string, id int64, doc string) {
		t.Helper()
		if encoders[table] == nil {
			encoder, err := eventgen.NewEncoder(eventgen.Table{
				Prefix: "metadb_sensor_1", Schema: "library", Name: table, Key: []int{0},
				Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "doc", Kind: eventgen.JSON}},
			})
			if err != nil {
				t.Fatal(err)
			}
			encoders[table] = encoder
		}
		lsn, at := l.position("metadb_sensor_1", mark)
		record, err := encoders[table].Encode(eventgen.Change{Op: op, Row: []any{id, doc}, LSN: lsn, Snapshot: mark, Time: at})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.producer.Write(t.Context(), record); err != nil {
			t.Fatal(err)
		}
	}
	for id := range int64(10) {
		write("item", 'c', "", id, fmt.Sprintf(`{"a": %d}`, id))
		write("other", 'c', "", id, fmt.Sprintf(`{"a": %d}`, id))
	}
	step.await("SELECT to_regclass('library.item__t') IS NOT NULL AND to_regclass('library.other__t') IS NOT NULL", "[true]")
	step.await("SELECT (SELECT count(*) FROM library.item__t WHERE __current), (SELECT count(*) FROM library.other__t WHERE __current)", "[10 10]")
	if got := step.admin("sync table library.item__t"); !strings.HasPrefix(got, "ERROR: ") || !strings.Contains(got, "library.item") {
		t.Errorf("sync of a transformed table: %s", got)
	}

	// Rows 0 and 1 are deleted, row 2 has changed without an event, row 3 changes during the
	// snapshot.
	step.expect("sync table library.item__", "")
	l.notifyBegin("item")
	for id := int64(2); id < 10; id++ {
		doc := fmt.Sprintf(`{"a": %d}`, id)
		if id == 2 {
			doc = `{"a": 20}`
		}
		write("item", 'r', "incremental", id, doc)
	}
	write("item", 'u', "", 3, `{"a": 30}`)
	l.notifyEnd("item")
	step.log("table library.item: snapshot complete (notification received)")
	step.expect("endsync table library.item__", "library.item 10 8 2")
	const versions = "SELECT __root__id, a::int, __current, __end > now() - interval '1 hour' AND __end <= now() FROM library.item__t__ WHERE __root__id < 5 ORDER BY __start, __root__id"
	step.await(versions, "[0 0 false true] [1 1 false true] [2 2 false false] [3 3 false false] [4 4 true false] [2 20 true false] [3 30 true false]")
	step.await("SELECT count(DISTINCT p.__end) FROM library.item__ p JOIN library.item__t__ c ON p.id = c.__root__id WHERE p.id < 2 AND p.__end = c.__end", "[1]")
	step.await("SELECT count(*) FROM library.other__t WHERE __current", "[10]")
	step.stop()
}
