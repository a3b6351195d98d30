package connectjson_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"metadb/internal/change"
)

// decimalSchema is the schema of a Decimal.
func decimalSchema(scale int) string {
	return fmt.Sprintf(`%s,"parameters":{"scale":"%d"}`, named("bytes", "org.apache.kafka.connect.data.Decimal"), scale)
}

func TestDecimals(t *testing.T) {
	variable := named("struct", "io.debezium.data.VariableScaleDecimal")
	testColumns(t, []columnCase{
		{decimalSchema(2), `"AJY="`, change.Numeric, "1.50"},
		{decimalSchema(2), `"nA=="`, change.Numeric, "-1.00"},
		{decimalSchema(2), `"AA=="`, change.Numeric, "0.00"},
		{decimalSchema(0), `"AIA="`, change.Numeric, "128"},
		{decimalSchema(-2), `"ew=="`, change.Numeric, "12300"},
		{decimalSchema(0), `"CUmw9vACMxPESZBQ3jjzTg=="`, change.Numeric, "12345678901234567890123456789012345678"},
		{decimalSchema(0), `"tMSzV6V5O4X2dd3AAAAAAQ=="`, change.Numeric, "-99999999999999999999999999999999999999"},
		{decimalSchema(10), `"/nEW8Ak8jB8R8/sq6w=="`, change.Numeric, "-12345678901234567890.0123456789"},
		{decimalSchema(0), `"gAAAAAAAAAA="`, change.Numeric, "-9223372036854775808"},
		{decimalSchema(2), `12.50`, change.Numeric, "12.50"},
		{decimalSchema(2), `""`, 0, "!two's complement"},
		{decimalSchema(2), `"AJ"`, 0, "!base64"},
		{decimalSchema(2), `"A*Y="`, 0, "!base64"},
		{decimalSchema(2), `"AJZ="`, 0, "!base64"},
		{decimalSchema(2), "null", change.Numeric, "NULL"},
		{decimalSchema(2), "true", 0, `!column "v"`},
		{variable, `{"scale":3,"value":"MDQ="}`, change.Numeric, "12.340"},
		{variable, `{"value":"MDQ=","scale":3}`, change.Numeric, "12.340"},
		{variable, `{"scale":20,"value":"AQ=="}`, change.Numeric, "0.00000000000000000001"},
		{variable, `{"scale":9,"value":"ox8WWp/qATpVIFzXUcZ+6w=="}`, change.Numeric, "-123456789012345678901234567890.123456789"},
		{variable, `{"scale":-3,"value":"AQ=="}`, change.Numeric, "1000"},
		{variable, `{"scale":3}`, 0, "!two's complement"},
		{variable, `{"scale":3,"scale":3}`, 0, "!two's complement"},
		{variable, `{"scale":99999999,"value":"AQ=="}`, 0, "!two's complement"},
		{variable, `"AQ=="`, 0, `!column "v"`},
		{variable, "null", change.Numeric, "NULL"},
	})
}

// A numeric with a negative scale comes with a scale of eleven bits; the zeros
// that this puts behind the point are not the source's.
func TestDecimalOfNegativeScale(t *testing.T) {
	digits := "12300" + strings.Repeat("0", 2046)
	event := decodeColumn(decimalSchema(2046), `"`+twosComplement(t, digits)+`"`)
	if got := columnText(t, &event); got != "12300" {
		t.Errorf("got %s", got)
	}
	event = decodeColumn(decimalSchema(2046), `"`+twosComplement(t, "-15"+strings.Repeat("0", 2045))+`"`)
	if got := columnText(t, &event); got != "-1.5" {
		t.Errorf("got %s", got)
	}
	event = decodeColumn(decimalSchema(2046), `"AA=="`)
	if got := columnText(t, &event); got != "0" {
		t.Errorf("got %s", got)
	}
}

func TestDecimalThatPostgreSQLCannotHold(t *testing.T) {
	variable := named("struct", "io.debezium.data.VariableScaleDecimal")
	for _, value := range []string{
		`{"scale":20000,"value":"AQ=="}`,
		`{"scale":-200000,"value":"AQ=="}`,
		`{"scale":0,"value":"` + base64.StdEncoding.EncodeToString(make([]byte, 100000)) + `"}`,
	} {
		if event := decodeColumn(variable, value); event.Op != change.Reject {
			t.Errorf("%.60s: got %s", value, columnText(t, &event))
		}
	}
}
