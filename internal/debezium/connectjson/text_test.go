package connectjson_test

import (
	"strings"
	"testing"

	"metadb/internal/change"
)

func TestTexts(t *testing.T) {
	cases := []columnCase{
		{schemaString, `""`, change.Text, ""},
		{schemaString, `"plain"`, change.Text, "plain"},
		{schemaString, `"null"`, change.Text, "null"},
		{schemaString, `"\"q\" \\ \/ \b\f\n\r\t \u00e9 \ud83d\ude00 é 中文 😀"`, change.Text, "\"q\" \\ / \b\f\n\r\t é 😀 é 中文 😀"},
		{schemaString, `"a\u0000b"`, 0, `!\u0000`},
		{schemaString, `"a\ud800b"`, 0, "!surrogate"},
		{schemaString, `"a\udc00\ud800"`, 0, "!surrogate"},
		{schemaString, `"a\x"`, 0, "!malformed escape"},
		{schemaString, `"a\u00g0"`, 0, "!malformed escape"},
		{schemaString, "\"a\xffb\"", 0, "!not UTF-8"},
		{schemaString, "\"\xed\xa0\x80\"", 0, "!not UTF-8"},
		{schemaString, "\"a\nb\"", 0, "!control character"},
		{schemaString, "1", 0, `!column "v"`},
		{schemaString, "null", change.Text, "NULL"},
		{schemaString, `"` + strings.Repeat("é long ", 1000) + `"`, change.Text, strings.Repeat("é long ", 1000)},
	}
	for _, name := range []string{"Enum", "EnumSet", "Xml", "Ltree", "Tsvector"} {
		cases = append(cases, columnCase{named("string", "io.debezium.data."+name), `"a b"`, change.Text, "a b"})
	}
	testColumns(t, cases)
}

func TestUnknownTypes(t *testing.T) {
	for _, c := range []struct {
		schema, value string
		typ           change.Type
		want, note    string
	}{
		{named("int32", "io.debezium.time.Year"), "2024", change.Text, "2024", `"io.debezium.time.Year" (int32) is not known`},
		{named("string", "com.example.Word"), `"a\nb"`, change.Text, "a\nb", `"com.example.Word"`},
		{named("boolean", "com.example.Flag"), "true", change.Text, "true", `"com.example.Flag"`},
		{named("double", "com.example.Score"), "1.50", change.Text, "1.50", `"com.example.Score"`},
		{named("int64", "io.debezium.data.Json"), "5", change.Text, "5", `"io.debezium.data.Json" (int64)`},
		{named("bytes", "org.apache.kafka.connect.data.Decimal"), `"AJY="`, change.Text, "AJY=", "Decimal"},
		{`"type":"int128"`, "5", change.Text, "5", `"int128" is not known`},
		{named("struct", "com.example.Pair"), `{"x": 1, "y": [true, null]}`, change.JSONB, `{"x": 1, "y": [true, null]}`, `struct "com.example.Pair" is not known; stored as jsonb`},
	} {
		t.Run(c.schema, func(t *testing.T) {
			event := decodeColumn(c.schema, c.value)
			if got := columnText(t, &event); got != c.want {
				t.Fatalf("got %s", got)
			}
			if typ := event.Shape.Columns[1].Type; typ != c.typ {
				t.Errorf("got type %s", typ)
			}
			if len(event.Notes) != 1 || event.Notes[0].Column != "v" || event.Notes[0].Severe || !strings.Contains(event.Notes[0].Text, c.note) {
				t.Errorf("got notes %v", event.Notes)
			}
		})
	}
}
