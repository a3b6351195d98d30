package connectjson_test

import (
	"crypto/md5"
	"fmt"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
)

// bytesOfWord is the default placeholder as an array of its bytes.
const bytesOfWord = "[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101]"

func TestPlaceholders(t *testing.T) {
	const (
		word   = `"__debezium_unavailable_value"`
		base64 = `"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="`
		hex    = `"5f5f646562657a69756d5f756e617661696c61626c655f76616c7565"`
		object = `{"__debezium_unavailable_value":"__debezium_unavailable_value"}`
	)
	maps := `"type":"map","keys":{"type":"string"},"values":{"type":"string"}`
	testColumns(t, []columnCase{
		{schemaString, word, change.Text, "unavailable"},
		{schemaString, `"\u005f_debezium_unavailable_value"`, change.Text, "unavailable"},
		{schemaString, base64, change.Text, "unavailable"},
		{schemaString, hex, change.Text, "unavailable"},
		{schemaString, `"__debezium_unavailable_valuE"`, change.Text, "__debezium_unavailable_valuE"},
		{schemaString, `"__debezium_unavailable_value "`, change.Text, "__debezium_unavailable_value "},
		{schemaJSON, word, change.JSONB, "unavailable"},
		{schemaJSON, `"{\"__debezium_unavailable_value\":\"__debezium_unavailable_value\"}"`, change.JSONB, "unavailable"},
		{schemaJSON, `"\"__debezium_unavailable_value\""`, change.JSONB, word},
		{named("string", "io.debezium.data.Xml"), word, change.Text, "unavailable"},
		{named("string", "io.debezium.data.Ltree"), word, change.Text, "unavailable"},
		{schemaUUID, word, change.UUID, "unavailable"},
		{`"type":"bytes"`, base64, change.Bytea, "unavailable"},
		{named("bytes", "io.debezium.data.Bits") + `,"parameters":{"length":"2147483647"}`, base64, change.Text, "unavailable"},
		{arrayOf(schemaString), "[" + word + "]", change.JSONB, "unavailable"},
		{arrayOf(schemaString), "[ " + word + "\n]", change.JSONB, "unavailable"},
		{arrayOf(schemaString), "[" + word + "," + word + "]", change.JSONB, "[" + word + ", " + word + "]"},
		{arrayOf(schemaJSON), "[" + word + "]", change.JSONB, "unavailable"},
		{arrayOf(`"type":"bytes"`), "[" + base64 + "]", change.JSONB, "unavailable"},
		{arrayOf(schemaString), "[" + hex + "]", change.JSONB, "unavailable"},
		{arrayOf(schemaUUID), `["b68a35a7-17ad-35b3-af2a-ae46edb4545a"]`, change.JSONB, "unavailable"},
		{arrayOf(schemaInt32), bytesOfWord, change.JSONB, "unavailable"},
		{arrayOf(schemaInt64), strings.ReplaceAll(bytesOfWord, ",", ", "), change.JSONB, "unavailable"},
		{arrayOf(schemaDate), bytesOfWord, change.JSONB, "unavailable"},
		{arrayOf(schemaInt64), strings.Replace(bytesOfWord, "101]", "102]", 1), change.JSONB, strings.ReplaceAll(strings.Replace(bytesOfWord, "101]", "102]", 1), ",", ", ")},
		{maps, object, change.JSONB, "unavailable"},
	})
}

// A connector may use another word, and say it in hexadecimal.
func TestPlaceholderOfAnotherWord(t *testing.T) {
	id := field{"id", schemaInt32, "1"}
	fields := []field{
		id,
		{"t", schemaString, `"größe\""`},
		{"d", schemaString, `"__debezium_unavailable_value"`},
		{"a", arrayOf(schemaString), `["größe\""]`},
		{"i", arrayOf(schemaInt32), "[103,114,-61,-74,-61,-97,101,34]"},
		{"u", arrayOf(schemaInt64), "[103,114,195,182,195,159,101,34]"},
	}
	for _, word := range []string{`größe"`, "hex:6772c3b6c39f6522"} {
		event := connectjson.NewDecoder(connectjson.Config{Placeholder: word}).Decode(&debezium.Input{
			Topic: "t", Key: keyOf([]field{id}), Value: eventOf(fields, "u", "null", objectOf(fields)),
		})
		if event.Op != change.Upsert {
			t.Fatalf("%s: %s", word, event.Reason)
		}
		for i, state := range []change.CellState{change.Present, change.Unavailable, change.Present, change.Unavailable, change.Unavailable, change.Unavailable} {
			if got := event.Row.Cell(i).State; got != state {
				t.Errorf("%s: column %s has state %d, want %d", word, fields[i].name, got, state)
			}
		}
	}
}

// The UUID that stands for a long word is shorter than the word.
func TestPlaceholderOfLongWord(t *testing.T) {
	word := strings.Repeat("unavailable ", 10)
	id := field{"id", schemaInt32, "1"}
	fields := []field{
		id,
		{"u", arrayOf(schemaUUID), `["` + javaNameUUID(word) + `"]`},
		{"t", arrayOf(schemaString), `["` + word + `"]`},
		{"s", arrayOf(schemaString), `["unavailable"]`},
	}
	event := connectjson.NewDecoder(connectjson.Config{Placeholder: word}).Decode(&debezium.Input{
		Topic: "t", Key: keyOf([]field{id}), Value: eventOf(fields, "u", "null", objectOf(fields)),
	})
	if event.Op != change.Upsert {
		t.Fatal(event.Reason)
	}
	for i, state := range []change.CellState{change.Present, change.Unavailable, change.Unavailable, change.Present} {
		if got := event.Row.Cell(i).State; got != state {
			t.Errorf("column %s has state %d, want %d", fields[i].name, got, state)
		}
	}
}

// javaNameUUID is Java's UUID.nameUUIDFromBytes.
func javaNameUUID(word string) string {
	sum := md5.Sum([]byte(word))
	sum[6], sum[8] = sum[6]&0x0f|0x30, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:])
}
