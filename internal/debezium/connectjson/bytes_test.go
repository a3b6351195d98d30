package connectjson_test

import (
	"fmt"
	"strings"
	"testing"

	"metadb/internal/change"
)

func TestBytes(t *testing.T) {
	const schema = `"type":"bytes"`
	testColumns(t, []columnCase{
		{schema, `"AP8Q"`, change.Bytea, `\x00ff10`},
		{schema, `""`, change.Bytea, `\x`},
		{schema, `"3q2+7w=="`, change.Bytea, `\xdeadbeef`},
		{schema, `"3q2-7w=="`, 0, "!base64"},
		{schema, `"3q2+7w"`, 0, "!base64"},
		{schema, "null", change.Bytea, "NULL"},
		{schema, "[1]", 0, `!column "v"`},
	})
}

func TestBits(t *testing.T) {
	bits := func(length int) string {
		return fmt.Sprintf(`%s,"parameters":{"length":"%d"}`, named("bytes", "io.debezium.data.Bits"), length)
	}
	testColumns(t, []columnCase{
		{bits(8), `"gQ=="`, change.Text, "10000001"},
		{bits(12), `"Awg="`, change.Text, "100000000011"},
		{bits(12), `""`, change.Text, "000000000000"},
		{bits(64), `"AQAAAAAAAIA="`, change.Text, "1" + strings.Repeat("0", 62) + "1"},
		{bits(100), `"AAAAAAAAAAAAAAAACA=="`, change.Text, "1" + strings.Repeat("0", 99)},
		{bits(2147483647), `"BQ=="`, change.Text, "101"},
		{bits(2147483647), `""`, change.Text, ""},
		{bits(3), `"gQ=="`, 0, "!more bits"},
		{bits(3), "null", change.Text, "NULL"},
	})
}
