package connectjson_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/testkit/corpus"
)

// describe returns everything that two decodings of one record must agree on,
// and fails for an event that is not well-formed.
func describe(t *testing.T, event *change.Event) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d %v %d %d %v %q\n", event.Op, event.Snapshot, event.Source, event.Time, event.LSN, event.NoKey, event.Reason)
	if event.Op == change.Upsert || event.Op == change.Delete {
		if event.Shape == nil || len(event.Shape.Key) == 0 {
			t.Fatalf("%s without a key", event.Op)
		}
		count := 0
		for i, cell := range event.Row.Cells() {
			column := event.Shape.Columns[i]
			fmt.Fprintf(&b, "%s %s %d ", column.Name, column.Type, cell.State)
			if cell.State == change.Present {
				text, err := datatype.Format(column.Type, cell)
				if err != nil {
					t.Fatalf("column %s: %v", column.Name, err)
				}
				b.WriteString(text)
			}
			b.WriteString("\n")
			count++
		}
		if count != len(event.Shape.Columns) {
			t.Fatalf("%d cells for %d columns", count, len(event.Shape.Columns))
		}
		fmt.Fprintf(&b, "%v %x\n", event.Shape.Key, event.OldKey)
	}
	return b.String()
}

// FuzzDecode decodes any record with a new decoder, and with one that has decoded
// this record before. Both must agree, and the records of events that are applied
// must be JSON.
func FuzzDecode(f *testing.F) {
	for _, scenario := range []string{"types_debezium_2_7", "keys", "truncates_messages"} {
		topics := map[string]bool{}
		for _, record := range corpus.Events(f, scenario) {
			if record.Value != nil && !topics[record.Topic] && len(topics) < 4 {
				topics[record.Topic] = true
				f.Add(record.Key, record.Value, []byte(nil))
			}
		}
	}
	row := loan()
	f.Add(keyOf(row[:1]), eventOf(row, "c", "null", objectOf(row)), []byte(`{"a":2}`))
	f.Add([]byte(`{"a":1}`), eventOf(row, "d", objectOf(row), "null"), []byte(nil))
	f.Fuzz(func(t *testing.T, key, value, header []byte) {
		input := &debezium.Input{Topic: "t", Key: key, Value: value}
		if header != nil {
			input.Headers = []change.Header{{Name: "__debezium.oldkey", Value: header}}
		}
		decoder := connectjson.NewDecoder(connectjson.Config{})
		first := decoder.Decode(input)
		second := decoder.Decode(input)
		if a, b := describe(t, &first), describe(t, &second); a != b {
			t.Fatalf("first %s\nthen %s", a, b)
		}
		if first.Op != change.Ignore && first.Op != change.Reject && !json.Valid(value) {
			t.Fatal("applied what is no JSON")
		}
		if (first.Op == change.Upsert || first.Op == change.Reject) && string(first.Record.Value()) != string(value) {
			t.Fatal("the value is not kept as it was")
		}
	})
}

// FuzzRecordKey decodes any record key with an ordinary value.
func FuzzRecordKey(f *testing.F) {
	row := loan()
	for _, seed := range []string{
		string(keyOf(row[:1])), string(keyOf(row)), `{"a":1}`, `{"b":"x","a":null}`, `null`, `{"schema":null,"payload":null}`, `{"payload":{"a":1},"schema":{}}`,
		`{"schema":{"type":"struct","fields":[null]},"payload":{}}`, `{"schema":{"type":"struct"},"payload":{"a":1}}`, `{"\u0061":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, key []byte) {
		for _, op := range []string{"u", "d"} {
			after := objectOf(row)
			if op == "d" {
				after = "null"
			}
			input := &debezium.Input{Topic: "t", Key: key, Value: eventOf(row, op, objectOf(row), after)}
			decoder := connectjson.NewDecoder(connectjson.Config{})
			first := decoder.Decode(input)
			second := decoder.Decode(input)
			if a, b := describe(t, &first), describe(t, &second); a != b {
				t.Fatalf("first %s\nthen %s", a, b)
			}
			if first.Op != change.Reject && key != nil && !json.Valid(key) {
				t.Fatal("took a key that is no JSON")
			}
		}
	})
}

// fuzzSchemas are schemas of every family of types.
func fuzzSchemas() []string {
	schemas := []string{
		`"type":"int8"`, `"type":"int16"`, schemaInt32, schemaInt64, `"type":"float"`, schemaDouble, schemaBoolean, schemaString, `"type":"bytes"`,
		schemaUUID, schemaJSON, schemaMoment, schemaMicros, schemaDate, schemaDecimal, decimalSchema(2046), decimalSchema(-2),
		named("struct", "io.debezium.data.VariableScaleDecimal"), named("bytes", "io.debezium.data.Bits") + `,"parameters":{"length":"12"}`,
		named("string", "io.debezium.time.IsoDate"), named("string", "io.debezium.time.IsoTime"), named("string", "io.debezium.time.ZonedTime"),
		named("string", "io.debezium.time.IsoTimestamp"), named("string", "io.debezium.time.Interval"), named("int64", "io.debezium.time.MicroDuration"),
		named("int64", "io.debezium.time.NanoTimestamp"), named("int64", "io.debezium.time.Timestamp"), named("int64", "io.debezium.time.NanoTime"),
		named("int32", "io.debezium.time.Time"), `"type":"map"`, named("struct", "io.debezium.data.geometry.Point"), named("int32", "unknown"),
	}
	for _, element := range schemas {
		schemas = append(schemas, arrayOf(element))
	}
	return append(schemas, arrayOf(arrayOf(schemaInt32)))
}

// FuzzConverters gives any JSON to the converter of any type, in the order of
// the schema and in another one.
func FuzzConverters(f *testing.F) {
	schemas := fuzzSchemas()
	for _, seed := range []string{
		"0", "-1", "9223372036854775807", "1.5e-7", `"NaN"`, "true", `"2024-02-29T13:14:15.123456Z"`, `"-0043-03-15"`, `"24:00:00Z"`, `"P1Y2M-3DT4H5M-6.789S"`, `"AJY="`,
		`{"scale":3,"value":"MDQ="}`, `"{\"a\":[1,\"\\u0000\"]}"`, `["__debezium_unavailable_value"]`, bytesOfWord, `[null,1,[2]]`, `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`,
		`{"x":1.5,"wkb":"\u0000"}`, `"1e999999"`, `"infinity"`, `[[1],[null]]`,
	} {
		for kind := range schemas {
			if (kind+len(seed))%5 == 0 {
				f.Add(uint8(kind), []byte(seed))
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, value []byte) {
		schema := schemas[int(kind)%len(schemas)]
		event := decodeColumn(schema, string(value))
		if event.Op == change.Reject {
			return
		}
		if !json.Valid(value) {
			// The value may bring other members along.
			return
		}
		again := decodeReordered(schema, string(value))
		if a, b := describe(t, &event), describe(t, &again); a != b {
			t.Fatalf("%s: in order %s\nnot in order %s", schema, a, b)
		}
	})
}

// outcome describes the row of an event.
func outcome(event *change.Event) string {
	return fmt.Sprintf("%s %q %v %x", event.Op, event.Reason, event.Shape, event.Row)
}

// FuzzSchemaCache sends records of several schemas in any order through one
// decoder; each must come out as from a decoder of its own.
func FuzzSchemaCache(f *testing.F) {
	var inputs []*debezium.Input
	for i, schema := range fuzzSchemas()[:8] {
		fields := []field{{"id", schemaInt32, "1"}, {fmt.Sprintf("v%d", i), schema, "null"}}
		value := string(eventOf(fields, "u", "null", objectOf(fields)))
		for _, key := range [][]byte{keyOf(fields[:1]), []byte(`{"id":1}`), nil} {
			inputs = append(inputs, &debezium.Input{Topic: fmt.Sprintf("t%d", i%2), Key: key, Value: []byte(value)})
		}
		head := headOf(fields)
		reversed := `{"payload":` + strings.TrimPrefix(value, head)
		reversed = strings.TrimSuffix(reversed, "}") + `,"schema":` + strings.TrimSuffix(strings.TrimPrefix(head, `{"schema":`), `,"payload":`) + "}"
		inputs = append(inputs,
			&debezium.Input{Topic: "t0", Key: keyOf(fields[:1]), Value: []byte(reversed)},
			&debezium.Input{Topic: "t0", Key: keyOf(fields[:1]), Value: []byte(head + "null}")},
			&debezium.Input{Topic: "t1", Key: keyOf(fields), Value: eventOf(fields, "d", "null", "null")},
			&debezium.Input{Topic: "t1", Key: keyOf(fields), Value: []byte(value + "x")})
	}
	want := make([]string, len(inputs))
	for i, input := range inputs {
		event := connectjson.NewDecoder(connectjson.Config{}).Decode(input)
		want[i] = outcome(&event)
	}
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 0, 7, 14, 21, 28, 35, 42, 49, 0})
	f.Add([]byte("there and back again, there and back again"))
	f.Fuzz(func(t *testing.T, order []byte) {
		decoder := connectjson.NewDecoder(connectjson.Config{})
		for step, at := range order {
			i := int(at) % len(inputs)
			event := decoder.Decode(inputs[i])
			if got := outcome(&event); got != want[i] {
				t.Fatalf("step %d, record %d: got %s, want %s", step, i, got, want[i])
			}
		}
	})
}
