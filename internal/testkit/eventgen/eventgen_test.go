package eventgen_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/testkit/corpus"
	"metadb/internal/testkit/eventgen"
)

// patron is the table of the recording "resync".
func patron() eventgen.Table {
	return eventgen.Table{
		Prefix: "metadb_resync_1", Schema: "library", Name: "patron",
		Columns: []eventgen.Column{
			{Name: "id", Kind: eventgen.UUID},
			{Name: "patrongroup_id", Kind: eventgen.Integer},
			{Name: "name"},
			{Name: "balance", Kind: eventgen.Decimal, Scale: 2},
			{Name: "created", Kind: eventgen.TimestampTZ},
		},
		Key: []int{0},
	}
}

func TestRecordIsLikeTheRecordedOne(t *testing.T) {
	encoder, err := eventgen.NewEncoder(patron())
	if err != nil {
		t.Fatal(err)
	}
	created := time.Date(2024, 1, 1, 1, 0, 0, 0, time.UTC)
	got, err := encoder.Encode(eventgen.Change{
		Op: 'r', Row: []any{"c4ca4238-a0b9-2382-0dcc-509a6f75849b", int64(2), "Patron 1", "-0.25", created},
		Time: time.UnixMicro(1795344925919378), LSN: 136101448, TxID: 1304, Snapshot: "first",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := corpus.Events(t, "resync")[0]
	if got.Topic != want.Topic || string(got.Key) != string(want.Key) {
		t.Errorf("got topic %s, key %s\nwant      %s, key %s", got.Topic, got.Key, want.Topic, want.Key)
	}
	gotValue, wantValue := decode(t, got.Value), decode(t, want.Value)
	// The encoder does not reproduce the time of the record, the database's name
	// and the declared precision.
	for _, value := range []map[string]any{gotValue, wantValue} {
		payload := value["payload"].(map[string]any)
		for _, name := range []string{"ts_ms", "ts_us", "ts_ns"} {
			delete(payload, name)
		}
		source := payload["source"].(map[string]any)
		delete(source, "db")
		delete(source, "ts_ns")
		for _, f := range value["schema"].(map[string]any)["fields"].([]any)[:2] {
			balance := f.(map[string]any)["fields"].([]any)[3].(map[string]any)
			delete(balance["parameters"].(map[string]any), "connect.decimal.precision")
		}
	}
	if !reflect.DeepEqual(gotValue, wantValue) {
		t.Errorf("got  %v\nwant %v", gotValue, wantValue)
	}
	for i, header := range want.Headers {
		if got.Headers[i].Name != header.Name {
			t.Errorf("header %d is %s, want %s", i, got.Headers[i].Name, header.Name)
		}
	}
}

func decode(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return value
}

func TestEveryKindIsDecodedToWhatWasWritten(t *testing.T) {
	values := []struct{ kind, text string }{
		{"text", `a "quoted" ü`},
		{"smallint", "-5"},
		{"integer", "70000"},
		{"bigint", "9007199254740993"},
		{"real", "1.5"},
		{"double", "-0.1"},
		{"boolean", "true"},
		{"decimal", "-128.50"},
		{"numeric", "340282366920938463463.10"},
		{"date", "1969-12-31"},
		{"timestamp", "2026-11-22 06:01:54.5"},
		{"timestamptz", "2026-11-22 06:01:54.123456+00"},
		{"uuid", "c4ca4238-a0b9-2382-0dcc-509a6f75849b"},
		{"json", `{"a": 1}`},
		{"bytea", `\x00ff`},
	}
	table := eventgen.Table{Prefix: "p", Schema: "s", Name: "t", Key: []int{1}}
	var row []any
	for _, v := range values {
		kind, ok := eventgen.ParseKind(v.kind)
		if !ok {
			t.Fatalf("no kind %s", v.kind)
		}
		value, err := eventgen.ParseValue(kind, v.text)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := eventgen.FormatValue(kind, value); err != nil || text != v.text {
			t.Errorf("%s: %s is formatted as %s, %v", v.kind, v.text, text, err)
		}
		table.Columns = append(table.Columns, eventgen.Column{Name: v.kind, Kind: kind, Scale: 2})
		row = append(row, value)
	}
	encoder, err := eventgen.NewEncoder(table)
	if err != nil {
		t.Fatal(err)
	}
	record, err := encoder.Encode(eventgen.Change{Op: 'c', Row: row, Time: time.UnixMilli(1), LSN: 7})
	if err != nil {
		t.Fatal(err)
	}
	event := connectjson.NewDecoder(connectjson.Config{}).Decode(&debezium.Input{Topic: record.Topic, Key: record.Key, Value: record.Value})
	if event.Op != change.Upsert {
		t.Fatalf("decoded as %s: %s", event.Op, event.Reason)
	}
	for i, cell := range event.Row.Cells() {
		got, err := datatype.Format(event.Shape.Columns[i].Type, cell)
		if err != nil {
			t.Fatal(err)
		}
		if got != values[i].text {
			t.Errorf("%s: got %s, want %s", values[i].kind, got, values[i].text)
		}
	}
}
