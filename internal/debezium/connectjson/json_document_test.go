package connectjson_test

import (
	"strconv"
	"strings"
	"testing"

	"metadb/internal/change"
)

func TestDocuments(t *testing.T) {
	q := strconv.Quote
	testColumns(t, []columnCase{
		{schemaJSON, q(`{"b": [1, 2.50, "x", null, true], "a": 1}`), change.JSONB, `{"a": 1, "b": [1, 2.50, "x", null, true]}`},
		{schemaJSON, q(` "just a string" `), change.JSONB, `"just a string"`},
		{schemaJSON, q(`12345678901234567890.12345678901234567890`), change.JSONB, "12345678901234567890.12345678901234567890"},
		{schemaJSON, q(`null`), change.JSONB, "null"},
		{schemaJSON, q(`{"a":1,"a":2}`), change.JSONB, `{"a": 2}`},
		{schemaJSON, q(`1e400`), change.JSONB, "1" + strings.Repeat("0", 400)},
		{schemaJSON, q(`{"s":"\ud83d\ude00 \u00e9\/"}`), change.JSONB, `{"s": "😀 é/"}`},
		{schemaJSON, q(`{"n":1e200000}`), 0, "!PostgreSQL can't hold"},
		{schemaJSON, q(`[1e-20000]`), 0, "!PostgreSQL can't hold"},
		{schemaJSON, q(`{"n":"1e200000"}`), change.JSONB, `{"n": "1e200000"}`},
		{schemaJSON, q(`{a:1}`), 0, "!no JSON"},
		{schemaJSON, q(`{"a":1} x`), 0, "!no JSON"},
		{schemaJSON, q(``), 0, "!no JSON"},
		{schemaJSON, q(strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1)), 0, "!too deeply"},
		{schemaJSON, "null", change.JSONB, "NULL"},
		{schemaJSON, `{"a":1}`, 0, `!column "v"`},
	})
}

// maxDepth is the nesting that is still read.
const maxDepth = 10000

// TestDocumentThatJSONBCannotHold expects characters that jsonb can't hold to be
// replaced, with one note for the column.
func TestDocumentThatJSONBCannotHold(t *testing.T) {
	for document, want := range map[string]string{
		`{"nul": "a\u0000b\u0000"}`:            `{"nul": "a` + "\uFFFDb\uFFFD" + `"}`,
		`{"\u0000": 1}`:                        `{"` + "\uFFFD" + `": 1}`,
		`"half \ud800 of a pair"`:              `"half ` + "\uFFFD" + ` of a pair"`,
		`"\udc00\ud83d\ude00\ud83d\ud83d\n"`:   `"` + "\uFFFD😀\uFFFD\uFFFD" + `\n"`,
		`"a backslash \\u0000 and one \u0000"`: `"a backslash \\u0000 and one ` + "\uFFFD" + `"`,
	} {
		event := decodeColumn(schemaJSON, strconv.Quote(document))
		if got := columnText(t, &event); got != want {
			t.Errorf("%s: got %s", document, got)
		}
		if len(event.Notes) != 1 || !event.Notes[0].Severe || event.Notes[0].Column != "v" {
			t.Errorf("%s: got notes %v", document, event.Notes)
		}
	}
	event := decodeColumn(schemaJSON, strconv.Quote(`"a backslash \\u0000"`))
	if len(event.Notes) != 0 {
		t.Errorf("got notes %v for an escaped backslash", event.Notes)
	}
}

func TestStructsAndMaps(t *testing.T) {
	const maps = `"type":"map","keys":{"type":"string"},"values":{"type":"string","optional":true}`
	point := named("struct", "io.debezium.data.geometry.Point")
	testColumns(t, []columnCase{
		{maps, `{"key 2":"value 2","k":null}`, change.JSONB, `{"k": null, "key 2": "value 2"}`},
		{maps, `{}`, change.JSONB, `{}`},
		{maps, `[[1,"x"]]`, change.JSONB, `[[1, "x"]]`},
		{maps, `"x"`, 0, `!column "v"`},
		{maps, "null", change.JSONB, "NULL"},
		{point, `{"x":1.5,"y":-2.5,"wkb":"AQEAAAA=","srid":null}`, change.JSONB, `{"x": 1.5, "y": -2.5, "wkb": "AQEAAAA=", "srid": null}`},
		{named("struct", "io.debezium.data.geometry.Geography"), `{"wkb":"AQ==","srid":4326}`, change.JSONB, `{"wkb": "AQ==", "srid": 4326}`},
		{named("struct", "io.debezium.data.SparseVector"), `{"dimensions":3,"vector":[[1,0.5]]}`, change.JSONB, `{"vector": [[1, 0.5]], "dimensions": 3}`},
		{point, `1`, 0, `!column "v"`},
	})
	if event := decodeColumn(point, `{"x":1}`); len(event.Notes) != 0 {
		t.Errorf("got notes %v for a point", event.Notes)
	}
}
