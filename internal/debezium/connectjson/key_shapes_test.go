package connectjson_test

import (
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
)

// Events of one schema share their shape, also when the schema goes back and
// forth, which Debezium does while a table is altered.
func TestShapesAreShared(t *testing.T) {
	decoder := connectjson.NewDecoder(connectjson.Config{})
	decodeFields := func(op string, fields []field) *change.Shape {
		after := objectOf(fields)
		if op == "d" {
			after = "null"
		}
		event := decoder.Decode(&debezium.Input{Topic: "t", Key: keyOf(fields[:1]), Value: eventOf(fields, op, "null", after)})
		if event.Shape == nil {
			t.Fatalf("%s: %s", event.Op, event.Reason)
		}
		return event.Shape
	}
	short := patron()
	long := append(patron(), field{"more", schemaBoolean, "true"})
	first, second, gone := decodeFields("u", short), decodeFields("u", long), decodeFields("d", short)
	if first == second || first == gone {
		t.Error("different schemas share a shape")
	}
	for range 3 {
		if decodeFields("c", short) != first || decodeFields("c", long) != second || decodeFields("d", long) != gone {
			t.Error("the same schema has several shapes")
		}
	}
	// More schemas than the cache holds.
	for i := range 10 {
		decodeFields("u", append(patron(), field{string(rune('a' + i)), schemaInt32, "1"}))
	}
	if again := decodeFields("u", short); len(again.Columns) != 2 {
		t.Errorf("got %v", again)
	}
}

// A field of the schema that the payload lacks is NULL.
func TestMissingFieldIsNull(t *testing.T) {
	fields := patron()
	event := decode(keyOf(fields[:1]), eventOf(fields, "u", "null", `{"id":7}`))
	if event.Op != change.Upsert || event.Row.Cell(1).State != change.Null || event.Row.Cell(0).State != change.Present {
		t.Errorf("got %s, %x: %s", event.Op, event.Row, event.Reason)
	}
	event = decode(keyOf(fields[:1]), eventOf(fields, "u", "null", `{}`))
	if event.Op != change.Upsert || event.Row.Cell(1).State != change.Null || cellText(t, change.Integer, event.Row.Cell(0)) != "7" {
		t.Errorf("got %s, %x: %s", event.Op, event.Row, event.Reason)
	}
}

func TestSchemasThatDescribeNoTable(t *testing.T) {
	for name, fields := range map[string][]field{
		"two fields of one name": {{"id", schemaInt32, "1"}, {"id", schemaInt32, "1"}},
		"a field without a name": {{"id", schemaInt32, "1"}, {"", schemaInt32, "1"}},
		"a name with U+0000":     {{"id", schemaInt32, "1"}, {"a\\u0000", schemaInt32, "1"}},
	} {
		value := eventOf(fields, "c", "null", "{}")
		if name == "a name with U+0000" {
			value = []byte(strings.ReplaceAll(string(value), `\\u0000`, `\u0000`))
		}
		if event := decode(keyOf(patron()[:1]), value); event.Op != change.Reject {
			t.Errorf("%s: got %s", name, event.Op)
		}
	}
}
