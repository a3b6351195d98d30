package connectjson_test

import (
	"testing"

	"metadb/internal/change"
)

func TestFloats(t *testing.T) {
	const reals, doubles = `"type":"float"`, `"type":"double"`
	testColumns(t, []columnCase{
		{reals, "1.5", change.Real, "1.5"},
		{reals, "1.17549435e-38", change.Real, "1.1754944e-38"},
		{reals, "3.4028235e+38", change.Real, "3.4028235e+38"},
		{reals, "123456.7", change.Real, "123456.7"},
		{reals, "1234567", change.Real, "1.234567e+06"},
		{reals, "1e39", 0, "!too large"},
		{reals, `"NaN"`, change.Real, "NaN"},
		{reals, `"-Infinity"`, change.Real, "-Infinity"},
		{doubles, "2.25", change.Double, "2.25"},
		{doubles, "5e-324", change.Double, "5e-324"},
		{doubles, "1.7976931348623157e+308", change.Double, "1.7976931348623157e+308"},
		{doubles, "1e400", 0, "!too large"},
		{doubles, "-0.0", change.Double, "-0"},
		{doubles, "0.0001", change.Double, "0.0001"},
		{doubles, "0.00001", change.Double, "1e-05"},
		{doubles, "999999999999999", change.Double, "999999999999999"},
		{doubles, "1e15", change.Double, "1e+15"},
		{doubles, `"Infinity"`, change.Double, "Infinity"},
		{doubles, `"NaN"`, change.Double, "NaN"},
		{doubles, `"much"`, 0, `!column "v"`},
		{doubles, "null", change.Double, "NULL"},
		{doubles, "[1]", 0, `!column "v"`},
	})
}
