package connectjson_test

import (
	"testing"

	"metadb/internal/change"
)

// arrayOf returns the schema of an array.
func arrayOf(element string) string {
	return `"type":"array","optional":true,"items":{` + element + `}`
}

func TestLists(t *testing.T) {
	testColumns(t, []columnCase{
		{arrayOf(`"type":"boolean"`), `[true,false,null]`, change.JSONB, "[true, false, null]"},
		{arrayOf(`"type":"int64"`), `[9223372036854775807, -1]`, change.JSONB, "[9223372036854775807, -1]"},
		{arrayOf(`"type":"int16"`), `[]`, change.JSONB, "[]"},
		{arrayOf(`"type":"int16"`), `[70000]`, 0, "!too large"},
		{arrayOf(`"type":"int16"`), "null", change.JSONB, "NULL"},
		{arrayOf(`"type":"float"`), `[1.5,1.17549435e-38,"NaN"]`, change.JSONB, `[1.5, 0.000000000000000000000000000000000000011754944, "NaN"]`},
		{arrayOf(`"type":"double"`), `[2.25,"NaN","-Infinity"]`, change.JSONB, `[2.25, "NaN", "-Infinity"]`},
		{arrayOf(decimalSchema(2)), `["/2o=",null]`, change.JSONB, "[-1.50, null]"},
		{arrayOf(named("struct", "io.debezium.data.VariableScaleDecimal")), `[{"scale":1,"value":"Cw=="}]`, change.JSONB, "[1.1]"},
		{arrayOf(schemaString), `["a","b c","d\"e\n",null,""]`, change.JSONB, `["a", "b c", "d\"e\n", null, ""]`},
		{arrayOf(schemaString), `["a\u0000"]`, 0, `!\u0000`},
		{arrayOf(schemaUUID), `["A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11"]`, change.JSONB, `["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]`},
		{arrayOf(schemaDate), `[19782,-735160,2146033979]`, change.JSONB, `["2024-02-29", "0044-03-15 BC", "infinity"]`},
		{arrayOf(named("int64", "io.debezium.time.MicroTime")), `[47655123000]`, change.JSONB, `["13:14:15.123"]`},
		{arrayOf(named("string", "io.debezium.time.ZonedTime")), `["11:14:15Z"]`, change.JSONB, `["11:14:15+00"]`},
		{arrayOf(schemaMicros), `[1709212455123456,-63517780799999999,9223372036854775807]`, change.JSONB, `["2024-02-29T13:14:15.123456", "0044-03-15T12:00:00.000001 BC", "infinity"]`},
		{arrayOf(schemaMoment), `["2024-02-29T11:14:15.5Z"]`, change.JSONB, `["2024-02-29T11:14:15.5+00:00"]`},
		{arrayOf(`"type":"bytes"`), `["AP8Q"]`, change.JSONB, `["\\x00ff10"]`},
		{arrayOf(schemaJSON), `["{\"a\": [1, 2]}","null",null]`, change.JSONB, `[{"a": [1, 2]}, null, null]`},
		{arrayOf(arrayOf(`"type":"int32"`)), `[[1,2],[3]]`, change.JSONB, "[[1, 2], [3]]"},
		{arrayOf(arrayOf(schemaString)), `[["a",null],[]]`, change.JSONB, `[["a", null], []]`},
		{arrayOf(`"type":"int32"`), `{}`, 0, `!column "v"`},
		{arrayOf(`"type":"int32"`), `[1,]`, 0, "!invalid JSON"},
		{arrayOf(named("array", "io.debezium.data.DoubleVector") + `,"items":{"type":"double"}`), `[[1.5]]`, change.JSONB, "[[1.5]]"},
		{`"type":"array","name":"io.debezium.data.DoubleVector","items":{"type":"double"}`, `[1.5,2]`, change.JSONB, "[1.5, 2]"},
	})
}
