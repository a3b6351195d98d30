package connectjson_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// A property encodes a value as Debezium does, decodes it, and expects the text
// that the value has without any of this package's code; then PostgreSQL stores
// it, and must print that text.

// columnChecker decodes a value of one column and compares its text.
type columnChecker func(t *rapid.T, schema, value, want string)

// checkStored checks a property, and then stores every value that it checked.
func checkStored(t *testing.T, property func(t *rapid.T, checkColumn columnChecker)) {
	t.Helper()
	checked := map[change.Type]map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		property(t, func(t *rapid.T, schema, value, want string) {
			event := decodeColumn(schema, value)
			if event.Op != change.Upsert {
				t.Fatalf("%s %s: %s", schema, value, event.Reason)
			}
			typ, cell := event.Shape.Columns[1].Type, event.Row.Cell(1)
			got, err := datatype.Format(typ, cell)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Fatalf("%s %s: got %s, want %s", schema, value, got, want)
			}
			if checked[typ] == nil {
				checked[typ] = map[string]string{}
			}
			checked[typ][string(cell.Bytes)] = want
		})
	})
	for typ, values := range checked {
		for cell, text := range printed(t, typ, slices.Collect(maps.Keys(values))) {
			if text != values[cell] {
				t.Errorf("%s: PostgreSQL prints %s, want %s", typ, text, values[cell])
			}
		}
	}
}

// jsonText returns text as a JSON string.
func jsonText(t *rapid.T, text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

func TestIntegerProperty(t *testing.T) {
	checkStored(t, func(t *rapid.T, checkColumn columnChecker) {
		value := strconv.FormatInt(rapid.Int64().Draw(t, "value"), 10)
		checkColumn(t, schemaInt64, value, value)
		checkColumn(t, arrayOf(schemaInt64), "["+value+"]", "["+value+"]")
	})
}

func TestDoubleProperty(t *testing.T) {
	checked := map[string]float64{}
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Float64().Draw(t, "value")
		event := decodeColumn(schemaDouble, strconv.FormatFloat(value, 'g', -1, 64))
		got, err := strconv.ParseFloat(columnValue(t, &event), 64)
		if err != nil || got != value {
			t.Fatalf("got %v, want %v", got, value)
		}
		checked[string(event.Row.Cell(1).Bytes)] = value
	})
	for cell, text := range printed(t, change.Double, slices.Collect(maps.Keys(checked))) {
		if got, err := strconv.ParseFloat(text, 64); err != nil || got != checked[cell] {
			t.Errorf("PostgreSQL prints %s, want %v", text, checked[cell])
		}
	}
}

// columnValue returns the text of the column of an upsert.
func columnValue(t *rapid.T, event *change.Event) string {
	if event.Op != change.Upsert {
		t.Fatalf("%s: %s", event.Op, event.Reason)
	}
	text, err := datatype.Format(event.Shape.Columns[1].Type, event.Row.Cell(1))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// decimalText writes unscaled × 10^-scale.
func decimalText(unscaled *big.Int, scale int) string {
	digits := new(big.Int).Abs(unscaled).String()
	if scale < 0 {
		if digits != "0" {
			digits += strings.Repeat("0", -scale)
		}
		scale = 0
	}
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	if scale > 0 {
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if unscaled.Sign() < 0 {
		return "-" + digits
	}
	return digits
}

func TestDecimalProperty(t *testing.T) {
	checkStored(t, func(t *rapid.T, checkColumn columnChecker) {
		unscaled := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes"))
		if rapid.Bool().Draw(t, "negative") {
			unscaled.Neg(unscaled)
		}
		scale := rapid.IntRange(-50, 200).Draw(t, "scale")
		encoded, want := twosComplement(t, unscaled.String()), decimalText(unscaled, scale)
		checkColumn(t, decimalSchema(scale), `"`+encoded+`"`, want)
		checkColumn(t, named("struct", "io.debezium.data.VariableScaleDecimal"), fmt.Sprintf(`{"scale":%d,"value":"%s"}`, scale, encoded), want)
		checkColumn(t, arrayOf(decimalSchema(scale)), `["`+encoded+`"]`, "["+want+"]")
	})
}

// texts draws text that PostgreSQL can hold.
func texts() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.ReplaceAll(strings.ToValidUTF8(rapid.String().Draw(t, "text"), ""), "\x00", "")
	})
}

func TestTextProperty(t *testing.T) {
	checkStored(t, func(t *rapid.T, checkColumn columnChecker) {
		value := texts().Draw(t, "value")
		checkColumn(t, schemaString, jsonText(t, value), value)
		checkColumn(t, schemaString, escapeAll(value), value)
		checkColumn(t, arrayOf(schemaString), "["+jsonText(t, value)+",null]", "["+string(datatype.AppendJSONString(nil, value))+", null]")
		checkColumn(t, schemaJSON, jsonText(t, jsonText(t, value)), string(datatype.AppendJSONString(nil, value)))
	})
}

// escapeAll writes every character of a text as an escape.
func escapeAll(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r > 0xffff {
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		} else {
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	return `"` + b.String() + `"`
}

func TestBytesProperty(t *testing.T) {
	checkStored(t, func(t *rapid.T, checkColumn columnChecker) {
		value := rapid.SliceOf(rapid.Byte()).Draw(t, "value")
		checkColumn(t, `"type":"bytes"`, `"`+base64.StdEncoding.EncodeToString(value)+`"`, `\x`+hex.EncodeToString(value))
	})
}

func TestBitsProperty(t *testing.T) {
	checkStored(t, func(t *rapid.T, checkColumn columnChecker) {
		value := rapid.StringMatching(`[01]{2,200}`).Draw(t, "value")
		number, _ := new(big.Int).SetString(value, 2)
		octets := number.Bytes()
		slices.Reverse(octets)
		schema := fmt.Sprintf(`%s,"parameters":{"length":"%d"}`, named("bytes", "io.debezium.data.Bits"), len(value))
		checkColumn(t, schema, `"`+base64.StdEncoding.EncodeToString(octets)+`"`, value)
	})
}

func TestUUIDProperty(t *testing.T) {
	checkStored(t, func(t *rapid.T, checkColumn columnChecker) {
		value := rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`).Draw(t, "value")
		if !datatype.CanonicalUUID([]byte(value)) {
			t.Fatalf("%s is not canonical", value)
		}
		checkColumn(t, schemaUUID, `"`+value+`"`, value)
		checkColumn(t, schemaUUID, `"`+strings.ToUpper(value)+`"`, value)
	})
}

// documents draws JSON documents.
func documents(depth int) *rapid.Generator[any] {
	scalar := rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(v bool) any { return v }),
		rapid.Map(rapid.Int64(), func(v int64) any { return json.Number(strconv.FormatInt(v, 10)) }),
		rapid.Map(rapid.StringMatching(`-?[1-9][0-9]{0,30}\.[0-9]{1,20}`), func(v string) any { return json.Number(v) }),
		rapid.Map(texts(), func(v string) any { return v }))
	if depth == 0 {
		return scalar
	}
	return rapid.OneOf(scalar,
		rapid.Map(rapid.SliceOfN(documents(depth-1), 0, 4), func(v []any) any { return v }),
		rapid.Map(rapid.MapOfN(texts(), documents(depth-1), 0, 4), func(v map[string]any) any { return v }))
}

// A document keeps its value, all digits of its numbers and all its names.
func TestDocumentProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		encoded, err := json.Marshal(documents(3).Draw(t, "document"))
		if err != nil {
			t.Fatal(err)
		}
		event := decodeColumn(schemaJSON, jsonText(t, string(encoded)))
		columnValue(t, &event)
		if got := event.Row.Cell(1).Bytes; string(got) != "\x01"+string(encoded) {
			t.Fatalf("got %s, want %s", got, encoded)
		}
	})
}

// A whole row comes out the same in any order of its members.
func TestRowOrderProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fields := ordinaryFields()
		shuffled := rapid.Permutation(fields).Draw(t, "order")
		want := decode(keyOf(fields[:1]), eventOf(fields, "u", "null", objectOf(fields)))
		got := decode(keyOf(fields[:1]), eventOf(fields, "u", "null", objectOf(shuffled)))
		if got.Op != change.Upsert || string(got.Row) != string(want.Row) {
			t.Fatalf("got %s: %s", got.Op, got.Reason)
		}
	})
}
