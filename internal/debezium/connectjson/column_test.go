package connectjson_test

import (
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
)

// columnCase is one value of one column: its schema and JSON as Debezium sends
// them, and the expected stored value as text: NULL, unavailable, or after "!" a
// part of the reason for which it is rejected.
type columnCase struct {
	schema, value string
	typ           change.Type
	want          string
}

// decodeColumn decodes an event with a row of two columns, id and v.
func decodeColumn(schema, value string) change.Event {
	id := field{"id", schemaInt32, "1"}
	fields := []field{id, {"v", schema, value}}
	return connectjson.NewDecoder(connectjson.Config{}).Decode(&debezium.Input{
		Topic: "t", Key: keyOf([]field{id}), Value: eventOf(fields, "c", "null", objectOf(fields)),
	})
}

// columnText returns the stored value of v in the form of columnCase.want.
func columnText(t *testing.T, event *change.Event) string {
	t.Helper()
	if event.Op != change.Upsert {
		return "!" + event.Reason
	}
	switch cell := event.Row.Cell(1); cell.State {
	case change.Null:
		return "NULL"
	case change.Unavailable:
		return "unavailable"
	default:
		text, err := datatype.Format(event.Shape.Columns[1].Type, cell)
		if err != nil {
			t.Fatalf("format %x: %v", cell.Bytes, err)
		}
		return text
	}
}

// testColumns runs cases, and each of them also with the members of the row in
// another order, which is read another way.
func testColumns(t *testing.T, cases []columnCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.schema+" "+c.value, func(t *testing.T) {
			event := decodeColumn(c.schema, c.value)
			got := columnText(t, &event)
			if reason, ok := strings.CutPrefix(c.want, "!"); ok {
				if event.Op != change.Reject || !strings.Contains(event.Reason, reason) {
					t.Fatalf("got %s, want a rejection that says %q", got, reason)
				}
				return
			}
			if got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
			if typ := event.Shape.Columns[1].Type; typ != c.typ {
				t.Errorf("got type %s, want %s", typ, c.typ)
			}
			again := decodeReordered(c.schema, c.value)
			if other := columnText(t, &again); other != got {
				t.Errorf("got %s with the members in another order", other)
			}
		})
	}
}

// decodeReordered is decodeColumn with white space and v before id.
func decodeReordered(schema, value string) change.Event {
	id := field{"id", schemaInt32, "1"}
	fields := []field{id, {"v", schema, value}}
	return connectjson.NewDecoder(connectjson.Config{}).Decode(&debezium.Input{
		Topic: "t", Key: keyOf([]field{id}),
		Value: eventOf(fields, "c", "null", `{ "v" : `+value+" ,\n\t\"id\" : 1 }"),
	})
}

// named returns the schema of a semantic type.
func named(connect, name string) string {
	return `"type":"` + connect + `","optional":true,"name":"` + name + `"`
}
