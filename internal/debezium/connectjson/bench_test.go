package connectjson_test

import (
	"fmt"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
)

// field is one field of a schema with its value, both as JSON.
type field struct{ name, schema, value string }

// Schemas of common types, without the field's name.
const (
	schemaInt32     = `"type":"int32","optional":true`
	schemaInt64     = `"type":"int64","optional":true`
	schemaString    = `"type":"string","optional":true`
	schemaBoolean   = `"type":"boolean","optional":true`
	schemaUUID      = `"type":"string","optional":true,"name":"io.debezium.data.Uuid","version":1`
	schemaJSON      = `"type":"string","optional":true,"name":"io.debezium.data.Json","version":1`
	schemaMoment    = `"type":"string","optional":true,"name":"io.debezium.time.ZonedTimestamp","version":1`
	schemaMicros    = `"type":"int64","optional":true,"name":"io.debezium.time.MicroTimestamp","version":1`
	schemaDate      = `"type":"int32","optional":true,"name":"io.debezium.time.Date","version":1`
	schemaDecimal   = `"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2","connect.decimal.precision":"12"}`
	schemaDouble    = `"type":"double","optional":true`
	schemaSourceRow = `{"type":"struct","fields":[{"type":"string","optional":false,"field":"version"},{"type":"string","optional":false,"field":"connector"},{"type":"string","optional":false,"field":"name"},{"type":"int64","optional":false,"field":"ts_ms"},{"type":"string","optional":true,"name":"io.debezium.data.Enum","version":1,"parameters":{"allowed":"true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"},"default":"false","field":"snapshot"},{"type":"string","optional":false,"field":"db"},{"type":"string","optional":true,"field":"sequence"},{"type":"int64","optional":true,"field":"ts_us"},{"type":"int64","optional":true,"field":"ts_ns"},{"type":"string","optional":false,"field":"schema"},{"type":"string","optional":false,"field":"table"},{"type":"int64","optional":true,"field":"txId"},{"type":"int64","optional":true,"field":"lsn"},{"type":"int64","optional":true,"field":"xmin"},{"type":"string","optional":true,"field":"origin"},{"type":"int64","optional":true,"field":"origin_lsn"}],"optional":false,"name":"io.debezium.connector.postgresql.Source","version":1,"field":"source"}`
	schemaRest      = `{"type":"struct","fields":[{"type":"string","optional":false,"field":"id"},{"type":"int64","optional":false,"field":"total_order"},{"type":"int64","optional":false,"field":"data_collection_order"}],"optional":true,"name":"event.block","version":1,"field":"transaction"},{"type":"string","optional":false,"field":"op"},{"type":"int64","optional":true,"field":"ts_ms"},{"type":"int64","optional":true,"field":"ts_us"},{"type":"int64","optional":true,"field":"ts_ns"}`
	sourceRow       = `{"version":"3.7.0.Final","connector":"postgresql","name":"library","ts_ms":1795343897313,"snapshot":"false","db":"library","sequence":"[\"37426000\",\"37426024\"]","ts_us":1795343897313336,"ts_ns":1795343897313336000,"schema":"library","table":"patron","txId":760,"lsn":37426024,"xmin":null,"origin":null,"origin_lsn":null}`
)

// schemaOf returns the schema of a struct of fields, without braces.
func schemaOf(fields []field) string {
	var parts []string
	for _, f := range fields {
		parts = append(parts, fmt.Sprintf(`{%s,"field":%q}`, f.schema, f.name))
	}
	return `"type":"struct","fields":[` + strings.Join(parts, ",") + `]`
}

// objectOf returns the payload of a struct of fields.
func objectOf(fields []field) string {
	var parts []string
	for _, f := range fields {
		parts = append(parts, fmt.Sprintf(`%q:%s`, f.name, f.value))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// headOf returns the value of an event of a table up to the payload.
func headOf(fields []field) string {
	row := schemaOf(fields)
	return `{"schema":{"type":"struct","fields":[{` + row + `,"optional":true,"name":"library.library.patron.Value","field":"before"},{` +
		row + `,"optional":true,"name":"library.library.patron.Value","field":"after"},` + schemaSourceRow + `,` + schemaRest +
		`],"optional":false,"name":"library.library.patron.Envelope","version":2},"payload":`
}

// eventOf returns the value of an event.
func eventOf(fields []field, op, before, after string) []byte {
	return []byte(headOf(fields) + `{"before":` + before + `,"after":` + after + `,"source":` + sourceRow +
		`,"transaction":null,"op":"` + op + `","ts_ms":1795343897432,"ts_us":1795343897432676,"ts_ns":1795343897432676941}}`)
}

// keyOf returns the key of an event.
func keyOf(fields []field) []byte {
	return []byte(`{"schema":{` + schemaOf(fields) + `,"optional":false,"name":"library.library.patron.Key"},"payload":` + objectOf(fields) + `}`)
}

// ordinaryFields is a row of 25 columns as applications have them.
func ordinaryFields() []field {
	const id = `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`
	document := `"{\"id\": \"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\", \"tags\": {\"tagList\": [\"red\", \"green\"]}, \"price\": 12.50, \"active\": true}"`
	return []field{
		{"id", schemaUUID, id},
		{"barcode", schemaString, `"30123456789012"`},
		{"group_id", schemaUUID, id},
		{"first_name", schemaString, `"Margaret"`},
		{"last_name", schemaString, `"Hamilton"`},
		{"email", schemaString, `"margaret.hamilton@example.org"`},
		{"active", schemaBoolean, `true`},
		{"loans", schemaInt32, `17`},
		{"fines", schemaDecimal, `"BNI="`},
		{"score", schemaDouble, `98.25`},
		{"created", schemaMoment, `"2024-02-29T11:14:15.123456Z"`},
		{"updated", schemaMoment, `"2026-11-22T09:01:54.000001Z"`},
		{"birth", schemaDate, `-12203`},
		{"expires", schemaDate, `21915`},
		{"last_seen", schemaMicros, `1709212455123456`},
		{"address_1", schemaString, `"8 Boulevard of the Unknown Programmer"`},
		{"address_2", schemaString, `null`},
		{"city", schemaString, `"Cambridge"`},
		{"country", schemaString, `"US"`},
		{"phone", schemaString, `"+1 555 0100"`},
		{"counter", schemaInt64, `9007199254740993`},
		{"home_library", schemaUUID, id},
		{"note", schemaString, `"Prefers the reading room by the window; asks for large print."`},
		{"properties", schemaJSON, document},
		{"deleted", schemaBoolean, `false`},
	}
}

// ordinaryInput is an update of such a row.
func ordinaryInput() *debezium.Input {
	fields := ordinaryFields()
	return &debezium.Input{
		Topic: "library.library.patron", Offset: 1,
		Key:   keyOf(fields[:1]),
		Value: eventOf(fields, "u", "null", objectOf(fields)),
		Headers: []change.Header{
			{Name: "__debezium.context.connectorLogicalName", Value: []byte("library")},
			{Name: "__debezium.context.taskId", Value: []byte("0")},
			{Name: "__debezium.context.connectorName", Value: []byte("postgresql")},
			{Name: "__debezium.context.runId", Value: []byte("01a202d5-d21b-7d7d-be5b-da3f69f3e317")},
		},
	}
}

// TestOrdinaryEventAllocates bounds the allocations of an ordinary event: its
// row and little else.
func TestOrdinaryEventAllocates(t *testing.T) {
	const most = 5
	input, decoder := ordinaryInput(), connectjson.NewDecoder(connectjson.Config{})
	allocations := testing.AllocsPerRun(100, func() {
		if event := decoder.Decode(input); event.Op != change.Upsert {
			t.Fatal(event.Reason)
		}
	})
	if allocations > most {
		t.Errorf("%v allocations, want %d at most", allocations, most)
	}
}

func BenchmarkOrdinaryEvent(b *testing.B) {
	input := ordinaryInput()
	decoder := connectjson.NewDecoder(connectjson.Config{})
	if event := decoder.Decode(input); event.Op != change.Upsert {
		b.Fatalf("got %s: %s", event.Op, event.Reason)
	}
	head := strings.Index(string(input.Value), `"payload":`) + len(`"payload":`)
	b.Logf("schema %d bytes, payload %d bytes", head, len(input.Value)-head)
	b.ReportAllocs()
	b.SetBytes(int64(len(input.Value)))
	for b.Loop() {
		if event := decoder.Decode(input); event.Op != change.Upsert {
			b.Fatal(event.Reason)
		}
	}
}

func BenchmarkUnknownSchema(b *testing.B) {
	input := ordinaryInput()
	b.ReportAllocs()
	for b.Loop() {
		if event := connectjson.NewDecoder(connectjson.Config{}).Decode(input); event.Op != change.Upsert {
			b.Fatal(event.Reason)
		}
	}
}
