package connectjson_test

import (
	"strings"
	"testing"

	"metadb/internal/change"
)

// TestIgnored expects records that concern no table to become ignored events
// without notes.
func TestIgnored(t *testing.T) {
	for name, value := range map[string]string{
		"heartbeat":     `{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"ts_ms"}],"optional":false,"name":"io.debezium.connector.common.Heartbeat","version":1},"payload":{"ts_ms":1795344857060}}`,
		"transaction":   `{"schema":{"type":"struct","fields":[{"type":"string","field":"status"}],"name":"io.debezium.connector.common.TransactionMetadataValue"},"payload":{"status":"BEGIN"}}`,
		"notification":  `{"schema":{"type":"struct","fields":[{"type":"string","field":"id"}],"name":"io.debezium.connector.common.Notification"},"payload":{"id":"x"}}`,
		"schema change": `{"schema":{"type":"struct","fields":[{"type":"string","field":"ddl"}],"name":"io.debezium.connector.mysql.SchemaChangeValue"},"payload":{"ddl":"x"}}`,
		"message":       `{"schema":{"type":"struct","fields":[{"type":"string","field":"op"},{"type":"struct","fields":[],"field":"source"}],"name":"io.debezium.connector.postgresql.MessageValue"},"payload":{"op":"m"}}`,
		"null":          `null`,
		"null payload":  `{"schema":null,"payload":null}`,
		"empty payload": headOf(patron()) + "null}",
	} {
		for _, key := range [][]byte{nil, []byte(`{"schema":null,"payload":null}`)} {
			if event := decode(key, []byte(value)); event.Op != change.Ignore || event.NoKey || event.Reason != "" {
				t.Errorf("%s: got %s: %s", name, event.Op, event.Reason)
			}
		}
	}
	if event := decode(keyOf(patron()[:1]), nil); event.Op != change.Ignore || event.Position.Offset != 41 {
		t.Errorf("tombstone: got %s at %v", event.Op, event.Position)
	}
}

// TestRejected expects a record that is no envelope to be rejected and kept byte
// for byte, with a reason that describes the expected form.
func TestRejected(t *testing.T) {
	fields := patron()
	good := string(eventOf(fields, "u", "null", objectOf(fields)))
	for _, c := range []struct{ name, value, reason string }{
		{"plain text", "hello", "expected {"},
		{"empty", "", "expected {"},
		{"truncated", good[:len(good)-200], "invalid JSON"},
		{"truncated at the end", good[:len(good)-1], "invalid JSON"},
		{"truncated schema", good[:300], "invalid JSON"},
		{"trailing text", good + "x", "after the value"},
		{"twice the payload", good[:len(good)-1] + `,"payload":{}}`, "twice"},
		{"array", "[1,2]", "expected {"},
		{"without schema", `{"before":null,"after":{"id":1},"source":{},"op":"c"}`, "schemas.enable"},
		{"without payload", `{"schema":{"type":"struct"}}`, "one half"},
		{"schema null", `{"schema":null,"payload":{"op":"c"}}`, "schema"},
		{"flattened", `{"schema":{"type":"struct","fields":[{"type":"int32","field":"id"}],"name":"library.library.patron.Value"},"payload":{"id":1}}`, "flattened"},
		{"a string", `{"schema":{"type":"string"},"payload":"hello"}`, "not a Debezium envelope"},
		{"schema is no schema", `{"schema":[1],"payload":"hello"}`, "not one of Kafka Connect"},
		{"payload is no object", headOf(fields) + `[]}`, "not an object"},
		{"op twice", strings.Replace(good, `"op":"u"`, `"op":"u","op":"d"`, 1), "twice"},
		{"after twice", strings.Replace(good, `"source":`, `"after":null,"source":`, 1), "twice"},
		{"column twice", strings.Replace(good, `"name":"Ada"`, `"name":"Ada","name":"Ada"`, 1), "twice"},
		{"unknown column", strings.Replace(good, `"name":"Ada"`, `"name":"Ada","nick":"A"`, 1), `"nick"`},
		{"not UTF-8", strings.Replace(good, "Ada", "\xff", 1), "UTF-8"},
		{"deep", `{"schema":` + strings.Repeat("[", 20000), "too deeply"},
		{"deep payload", strings.Replace(good, `"before":null`, `"before":{"x":`+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)+"}", 1), "too deeply"},
	} {
		event := decode(keyOf(fields[:1]), []byte(c.value))
		if event.Op != change.Reject || !strings.Contains(event.Reason, c.reason) {
			t.Errorf("%s: got %s: %s", c.name, event.Op, event.Reason)
		}
		if string(event.Record.Value()) != c.value {
			t.Errorf("%s: the value is not kept as it was", c.name)
		}
	}
}

// TestRejectedKeepsItsKey expects a rejected event to have the key if that could be
// read: endsync needs it to find the record's row.
func TestRejectedKeepsItsKey(t *testing.T) {
	fields := patron()
	value := strings.Replace(string(eventOf(fields, "u", "null", objectOf(fields))), `"Ada"`, `5`, 1)
	event := decode(keyOf(fields[:1]), []byte(value))
	if event.Op != change.Reject || event.Source.Name != "patron" || event.LSN != 37426024 || event.Time == 0 {
		t.Fatalf("got %s of %v, lsn %d", event.Op, event.Source, event.LSN)
	}
	if event.Shape == nil || len(event.Shape.Columns) != 1 || cellText(t, change.Integer, event.Row.Cell(0)) != "7" {
		t.Errorf("the key is not kept: %v %x", event.Shape, event.Row)
	}
}
