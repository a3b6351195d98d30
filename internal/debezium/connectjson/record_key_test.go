package connectjson_test

import (
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
)

// loan is a row of three columns.
func loan() []field {
	return []field{{"a", schemaInt32, "1"}, {"b", schemaString, `"x"`}, {"c", decimalSchema(2), `"AJY="`}}
}

// keyNames returns the names of the key's columns in their order.
func keyNames(event *change.Event) string {
	if event.Shape == nil {
		return ""
	}
	var names []string
	for _, at := range event.Shape.Key {
		names = append(names, event.Shape.Columns[at].Name)
	}
	return strings.Join(names, ",")
}

// The identity of a row is the fields of the record's key that the row has too,
// in the order of the key.
func TestIdentity(t *testing.T) {
	row := loan()
	a, b, c := row[0], row[1], row[2]
	for _, test := range []struct {
		name string
		key  string
		want string
		op   change.Op
	}{
		{"one", string(keyOf([]field{a})), "a", change.Upsert},
		{"composite", string(keyOf([]field{b, a})), "b,a", change.Upsert},
		{"decimal", string(keyOf([]field{c})), "c", change.Upsert},
		{"field of topic routing", string(keyOf([]field{a, {"__dbz__physicalTableIdentifier", schemaString, `"x"`}})), "a", change.Upsert},
		{"no field of the row", string(keyOf([]field{{"z", schemaInt32, "1"}})), "", change.Ignore},
		{"without a schema", `{"b":"x","a":1}`, "b,a", change.Upsert},
		{"payload first", `{"payload":{"a":1},"schema":{` + schemaOf([]field{a}) + `}}`, "a", change.Upsert},
		{"other order", `{"schema":{` + schemaOf([]field{a, b}) + `},"payload":{"b":"x" , "a":1}}`, "a,b", change.Upsert},
		{"missing in the payload", `{"schema":{` + schemaOf([]field{a, b}) + `},"payload":{"a":1}}`, "a,b", change.Upsert},
		{"null", `{"schema":null,"payload":null}`, "", change.Ignore},
		{"schema null", `{"schema":null,"payload":{"b":"x","a":1}}`, "b,a", change.Upsert},
		{"schema null, payload first", `{"payload":{"a":1},"schema":null}`, "a", change.Upsert},
		{"schema null, a field twice", `{"schema":null,"payload":{"a":1,"a":1}}`, "", change.Reject},
		{"schema null, a number", `{"schema":null,"payload":5}`, "", change.Reject},
		{"schema null, no fields", `{"schema":null,"payload":{}}`, "", change.Ignore},
		{"plain null", `null`, "", change.Ignore},
		{"text", `hello`, "", change.Reject},
		{"a number", `5`, "", change.Reject},
		{"a primitive", `{"schema":{"type":"int32"},"payload":5}`, "", change.Reject},
		{"truncated", string(keyOf([]field{a}))[:100], "", change.Reject},
		{"trailing text", string(keyOf([]field{a})) + "x", "", change.Reject},
		{"empty", ``, "", change.Reject},
		{"unknown field", `{"schema":{` + schemaOf([]field{a}) + `},"payload":{"a":1,"b":2}}`, "", change.Reject},
		{"a field twice", `{"schema":{` + schemaOf([]field{a}) + `},"payload":{"a":1,"a":1}}`, "", change.Reject},
	} {
		decoder := connectjson.NewDecoder(connectjson.Config{})
		for _, how := range []string{"first", "again"} {
			event := decoder.Decode(&debezium.Input{Topic: "t", Key: []byte(test.key), Value: eventOf(row, "u", "null", objectOf(row))})
			if event.Op != test.op || event.Op == change.Upsert && keyNames(&event) != test.want {
				t.Errorf("%s, %s: got %s %q: %s", test.name, how, event.Op, keyNames(&event), event.Reason)
			}
			if event.NoKey != (test.op == change.Ignore) {
				t.Errorf("%s, %s: NoKey is %v", test.name, how, event.NoKey)
			}
		}
	}
}

func TestNoKey(t *testing.T) {
	row := loan()
	event := decode(nil, eventOf(row, "c", "null", objectOf(row)))
	if event.Op != change.Ignore || !event.NoKey || event.Reason != "primary key not defined: library.library.patron" || event.Source.Name != "patron" {
		t.Errorf("got %s, %v: %s", event.Op, event.NoKey, event.Reason)
	}
	event = decode(nil, eventOf(row, "t", "null", "null"))
	if event.Op != change.Truncate || event.NoKey {
		t.Errorf("truncate: got %s, %v", event.Op, event.NoKey)
	}
	event = decode([]byte("hello"), eventOf(row, "t", "null", "null"))
	if event.Op != change.Truncate {
		t.Errorf("truncate with another key: got %s: %s", event.Op, event.Reason)
	}
}

// TestKeyCells expects key cells from the row, or from the record's key where the
// row lacks them.
func TestKeyCells(t *testing.T) {
	a, b := loan()[0], loan()[1]
	for _, c := range []struct{ name, op, row, before, key, want string }{
		{"from the row", "u", `{"a":1,"b":"x","c":null}`, "null", `{"a":9,"b":"y"}`, "1|x"},
		{"NULL in the row", "u", `{"a":null,"b":"x","c":null}`, "null", `{"a":9,"b":"y"}`, "9|x"},
		{"unavailable in the row", "u", `{"a":1,"b":"__debezium_unavailable_value","c":null}`, "null", `{"a":1,"b":"y"}`, "1|y"},
		{"the word itself", "u", `{"a":1,"b":"__debezium_unavailable_value","c":null}`, "null", `{"a":1,"b":"__debezium_unavailable_value"}`, "1|__debezium_unavailable_value"},
		{"NULL in both", "u", `{"a":null,"b":"x","c":null}`, "null", `{"a":null,"b":"x"}`, "NULL|x"},
		{"deleted", "d", "null", `{"a":5,"b":"z"}`, `{"a":1,"b":"x"}`, "1|x"},
		{"deleted, NULL", "d", "null", `{"a":5,"b":"z"}`, `{"a":null,"b":"x"}`, "NULL|x"},
		{"deleted, from before", "d", "null", `{"a":5,"b":"z"}`, `{"b":"x"}`, "5|x"},
		{"deleted, nowhere", "d", "null", "null", `{"b":"x"}`, "NULL|x"},
	} {
		key := `{"schema":{` + schemaOf([]field{a, b}) + `},"payload":` + c.key + `}`
		event := decode([]byte(key), eventOf(loan(), c.op, c.before, c.row))
		if event.Op != change.Upsert && event.Op != change.Delete {
			t.Errorf("%s: %s: %s", c.name, event.Op, event.Reason)
			continue
		}
		if got := keyText(t, &event, event.Row, event.Shape.Key); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestOldKey(t *testing.T) {
	row := loan()
	for _, c := range []struct{ header, want string }{
		{`{"b":"old","c":"AJY="}`, "old|1.50"},
		{`{"c":1.50,"b":"old"}`, "old|1.50"},
		{`{"b":"__debezium_unavailable_value","c":null}`, "__debezium_unavailable_value|NULL"},
		{`{"b":"old"}`, "old|NULL"},
		{`{"schema":{"type":"struct"},"payload":{"b":"old","c":"AJY="}}`, "old|1.50"},
		{`{"b":5}`, "!key column"},
		{`old`, "!__debezium.oldkey"},
		{`[1]`, "!__debezium.oldkey"},
	} {
		reason, unreadable := strings.CutPrefix(c.want, "!")
		// A row of which nothing is unavailable needs no old key.
		event := connectjson.NewDecoder(connectjson.Config{}).Decode(&debezium.Input{
			Topic: "t", Key: keyOf(row[1:]), Value: eventOf(row, "c", "null", objectOf(row)),
			Headers: []change.Header{{Name: "__debezium.oldkey", Value: []byte(c.header)}},
		})
		if unreadable {
			if event.Op != change.Upsert || event.OldKey != nil {
				t.Errorf("%s: got %s with the old key %x: %s", c.header, event.Op, event.OldKey, event.Reason)
			}
			lacking := strings.Replace(objectOf(row), `"b":"x"`, `"b":"x","d":"__debezium_unavailable_value"`, 1)
			event = connectjson.NewDecoder(connectjson.Config{}).Decode(&debezium.Input{
				Topic: "t", Key: keyOf(row[1:]), Value: eventOf(append(row, field{"d", schemaString, `""`}), "c", "null", lacking),
				Headers: []change.Header{{Name: "__debezium.oldkey", Value: []byte(c.header)}},
			})
			if event.Op != change.Reject || !strings.Contains(event.Reason, reason) {
				t.Errorf("%s: got %s: %s", c.header, event.Op, event.Reason)
			}
			continue
		}
		var parts []string
		for i, cell := range event.OldKey.Cells() {
			parts = append(parts, cellText(t, event.Shape.Columns[event.Shape.Key[i]].Type, cell))
		}
		if got := strings.Join(parts, "|"); got != c.want {
			t.Errorf("%s: got %s, want %s: %s", c.header, got, c.want, event.Reason)
		}
	}
}

// TestKeysWithoutSchemaDiffer: a key without a schema says by itself which fields
// it has, whatever the one before it had.
func TestKeysWithoutSchemaDiffer(t *testing.T) {
	row := loan()
	decoder := connectjson.NewDecoder(connectjson.Config{})
	for _, c := range []struct{ key, want string }{
		{`{"schema":null,"payload":{"a":1,"b":"x"}}`, "a,b"},
		{`{"schema":null,"payload":{"a":1}}`, "a"},
		{`{"schema":null,"payload":{"b":"x","a":1}}`, "b,a"},
	} {
		event := decoder.Decode(&debezium.Input{Topic: "t", Key: []byte(c.key), Value: eventOf(row, "u", "null", objectOf(row))})
		if event.Op != change.Upsert || keyNames(&event) != c.want {
			t.Errorf("%s: got %s %q: %s", c.key, event.Op, keyNames(&event), event.Reason)
		}
	}
}
