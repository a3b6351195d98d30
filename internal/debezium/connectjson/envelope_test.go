package connectjson_test

import (
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
)

// patron is a row of two columns.
func patron() []field {
	return []field{{"id", schemaInt32, "7"}, {"name", schemaString, `"Ada"`}}
}

// decode decodes one record of a fresh stream.
func decode(key, value []byte) change.Event {
	return connectjson.NewDecoder(connectjson.Config{}).Decode(&debezium.Input{Topic: "library.library.patron", Partition: 2, Offset: 41, Time: 5, Key: key, Value: value})
}

// sourceWith returns an upsert with the given JSON as its source.
func sourceWith(source string) change.Event {
	fields := patron()
	value := headOf(fields) + `{"before":null,"after":` + objectOf(fields) + `,"source":` + source + `,"op":"u","ts_ms":1}}`
	return decode(keyOf(fields[:1]), []byte(value))
}

func TestOperations(t *testing.T) {
	fields := patron()
	row := objectOf(fields)
	for _, c := range []struct {
		op, before, after string
		want              change.Op
		reason            string
	}{
		{"c", "null", row, change.Upsert, ""},
		{"r", "null", row, change.Upsert, ""},
		{"u", row, row, change.Upsert, ""},
		{"d", row, "null", change.Delete, ""},
		{"d", "null", "null", change.Delete, ""},
		{"t", "null", "null", change.Truncate, ""},
		{"m", "null", "null", change.Ignore, ""},
		{"u", row, "null", change.Reject, "no row"},
		{"x", "null", row, change.Reject, "expected c, u, r, d, t or m"},
		{"", "null", row, change.Reject, "expected c, u, r, d, t or m"},
		{"u", "null", "5", change.Reject, "expected an object"},
		{"u", "5", row, change.Reject, "expected an object"},
	} {
		event := decode(keyOf(fields[:1]), eventOf(fields, c.op, c.before, c.after))
		if event.Op != c.want || !strings.Contains(event.Reason, c.reason) {
			t.Errorf("%s: got %s: %s", c.op, event.Op, event.Reason)
		}
	}
}

func TestUpsert(t *testing.T) {
	input := ordinaryInput()
	event := connectjson.NewDecoder(connectjson.Config{}).Decode(input)
	if event.Source != (change.Table{Schema: "library", Name: "patron"}) || event.Time != 1795343897313336 || event.LSN != 37426024 || event.Snapshot != change.Streamed {
		t.Errorf("got %v at %d, lsn %d, mark %d", event.Source, event.Time, event.LSN, event.Snapshot)
	}
	if len(event.Shape.Columns) != 25 || len(event.Shape.Key) != 1 || event.Shape.Key[0] != 0 {
		t.Errorf("got shape %v", event.Shape)
	}
	if string(event.Record.Value()) != string(input.Value) || string(event.Record.Key) != string(input.Key) || len(event.Record.Headers) != 4 {
		t.Errorf("the record is not kept as it was")
	}
	if event.Position.Offset != 1 || event.Position.Partition.Topic != input.Topic {
		t.Errorf("got position %v", event.Position)
	}
}

func TestDeleteHasTheKeyAlone(t *testing.T) {
	fields := patron()
	event := decode(keyOf(fields[:1]), eventOf(fields, "d", objectOf(fields), "null"))
	if len(event.Shape.Columns) != 1 || event.Shape.Columns[0] != (change.Column{Name: "id", Type: change.Integer}) || len(event.Shape.Key) != 1 {
		t.Fatalf("got shape %v", event.Shape)
	}
	if got := cellText(t, change.Integer, event.Row.Cell(0)); got != "7" {
		t.Errorf("got key %s", got)
	}
}

// Events must not alias the buffers that they are decoded from, which the
// consumer uses again.
func TestEventHasItsOwnMemory(t *testing.T) {
	input := ordinaryInput()
	decoder := connectjson.NewDecoder(connectjson.Config{})
	decoder.Decode(input)
	event := decoder.Decode(input)
	row, tail, key, header := string(event.Row), string(event.Record.Tail), string(event.Record.Key), string(event.Record.Headers[3].Value)
	for _, buffer := range [][]byte{input.Value, input.Key, input.Headers[3].Value} {
		for i := range buffer {
			buffer[i] = 'x'
		}
	}
	if string(event.Row) != row || string(event.Record.Tail) != tail || string(event.Record.Key) != key || string(event.Record.Headers[3].Value) != header || event.Source.Name != "patron" {
		t.Error("the event changed with the input")
	}
}

func TestSnapshotMarks(t *testing.T) {
	for mark, want := range map[string]change.SnapshotPhase{
		`"true"`: change.InSnapshot, `"first"`: change.InSnapshot, `"first_in_data_collection"`: change.InSnapshot,
		`"last_in_data_collection"`: change.LastInTable, `"last"`: change.LastInSnapshot, `"incremental"`: change.Incremental,
		`"false"`: change.Streamed, `true`: change.InSnapshot, `false`: change.Streamed, `null`: change.Streamed, `"something new"`: change.InSnapshot,
	} {
		event := sourceWith(`{"schema":"s","table":"t","ts_ms":1,"snapshot":` + mark + `}`)
		if event.Op != change.Upsert || event.Snapshot != want {
			t.Errorf("%s: got %d, %s: %s", mark, event.Snapshot, event.Op, event.Reason)
		}
	}
	if event := sourceWith(`{"schema":"s","table":"t","ts_ms":1}`); event.Snapshot != change.Streamed {
		t.Errorf("absent: got %d", event.Snapshot)
	}
}

func TestSource(t *testing.T) {
	for _, c := range []struct {
		members, reason string
		time            change.Micros
		lsn             uint64
	}{
		{`"ts_ms":1795343897313,"lsn":5`, "", 1795343897313000, 5},
		{`"ts_ms":1795343897313,"ts_us":1795343897313336,"lsn":5`, "", 1795343897313336, 5},
		{`"ts_ms":1795343897313,"ts_us":1795343897313336,"ts_ns":1795343897313336941`, "", 1795343897313336, 0},
		{`"ts_ms":1795343897313,"ts_us":null,"ts_ns":null,"lsn":null,"sequence":"[null,\"37426024\"]"`, "", 1795343897313000, 37426024},
		{`"ts_ms":0,"sequence":"[\"1\",null]"`, "", 0, 0},
		{`"ts_ms":0,"sequence":"[\"1\"]"`, "", 0, 0},
		{`"ts_ms":0,"sequence":"nonsense"`, "", 0, 0},
		{`"ts_ms":0,"sequence":null,"lsn":9223372036854775807`, "", 0, 9223372036854775807},
		{`"ts_ms":253402214399999`, "", 253402214399999000, 0},
		{`"ts_ms":253402214400000`, "1970 to 9999", 0, 0},
		{`"ts_ms":-1`, "1970 to 9999", 0, 0},
		{`"ts_ms":9223372036854775807`, "1970 to 9999", 0, 0},
		{`"lsn":5`, "no time", 0, 0},
		{`"ts_ms":"1"`, "expected an integer", 0, 0},
		{`"ts_ms":1,"ts_ms":2`, "twice", 0, 0},
		{`"ts_ms":1,"schema":"s"`, "twice", 0, 0},
	} {
		event := sourceWith(`{"schema":"s","table":"t",` + c.members + `}`)
		if c.reason != "" {
			if event.Op != change.Reject || !strings.Contains(event.Reason, c.reason) {
				t.Errorf("%s: got %s: %s", c.members, event.Op, event.Reason)
			}
			continue
		}
		if at := max(event.Time, event.ClaimedTime); event.Op != change.Upsert || at != c.time || event.LSN != c.lsn {
			t.Errorf("%s: got %s at %d, lsn %d: %s", c.members, event.Op, event.Time, event.LSN, event.Reason)
		}
	}
	for _, source := range []string{`{}`, `null`, `{"schema":"s","ts_ms":1}`, `{"schema":null,"table":"t","ts_ms":1}`, `{"schema":"","table":"t","ts_ms":1}`} {
		if event := sourceWith(source); event.Op != change.Reject || !strings.Contains(event.Reason, "source.schema and source.table") {
			t.Errorf("%s: got %s: %s", source, event.Op, event.Reason)
		}
	}
	if event := sourceWith(`{"schema":"s","table":"t\u0000","ts_ms":1}`); event.Op != change.Reject {
		t.Errorf("a name with U+0000 was taken")
	}
}

// Whatever is valid JSON is read, in whatever order and spacing.
func TestOtherOrders(t *testing.T) {
	fields := patron()
	good := string(eventOf(fields, "u", "null", objectOf(fields)))
	schema := strings.TrimSuffix(strings.TrimPrefix(headOf(fields), `{"schema":`), `,"payload":`)
	payload := strings.TrimSuffix(strings.TrimPrefix(good, headOf(fields)), "}")
	want := decode(keyOf(fields[:1]), []byte(good))
	decoder := connectjson.NewDecoder(connectjson.Config{})
	for _, value := range []string{
		good,
		`{"payload":` + payload + `,"schema":` + schema + `}`,
		" {\n\"schema\" : " + schema + " ,\t\"payload\" : " + payload + " } \n",
		`{"schema":` + schema + `,"payload":` + payload + `,"more":[1,{"x":null}]}`,
		`{"sch\u0065ma":` + schema + `,"\u0070ayload":` + strings.Replace(strings.Replace(payload, `"after"`, `"\u0061fter"`, 1), `"name":"Ada"`, `"n\u0061me":"Ada"`, 1) + `}`,
		good,
	} {
		for range 2 {
			event := decoder.Decode(&debezium.Input{Topic: "t", Key: keyOf(fields[:1]), Value: []byte(value)})
			if event.Op != change.Upsert || string(event.Row) != string(want.Row) || event.LSN != want.LSN {
				t.Errorf("%.60s: got %s: %s", value, event.Op, event.Reason)
			}
			if string(event.Record.Value()) != value {
				t.Errorf("%.60s: the value is not kept as it was", value)
			}
		}
	}
}
