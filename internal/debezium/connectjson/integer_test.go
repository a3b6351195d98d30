package connectjson_test

import (
	"testing"

	"metadb/internal/change"
)

func TestIntegers(t *testing.T) {
	const int8s, int16s, int32s, int64s = `"type":"int8"`, `"type":"int16"`, `"type":"int32"`, `"type":"int64"`
	testColumns(t, []columnCase{
		{int8s, "-128", change.SmallInt, "-128"},
		{int16s, "32767", change.SmallInt, "32767"},
		{int16s, "-32768", change.SmallInt, "-32768"},
		{int16s, "32768", 0, "!too large"},
		{int32s, "-2147483648", change.Integer, "-2147483648"},
		{int32s, "2147483648", 0, "!too large"},
		{int32s, "null", change.Integer, "NULL"},
		{int32s, "-0", change.Integer, "0"},
		{int64s, "9007199254740993", change.BigInt, "9007199254740993"},
		{int64s, "9223372036854775807", change.BigInt, "9223372036854775807"},
		{int64s, "-9223372036854775808", change.BigInt, "-9223372036854775808"},
		{int64s, "9223372036854775808", 0, "!too large"},
		{int64s, "-9223372036854775809", 0, "!too large"},
		{int64s, "99999999999999999999999999", 0, "!too large"},
		{int64s, "1.5", 0, `!column "v"`},
		{int64s, "1e3", 0, `!column "v"`},
		{int64s, `"1"`, 0, `!column "v"`},
		{int64s, "true", 0, `!column "v"`},
		{int64s, "01", 0, "!invalid JSON"},
		{int64s, "-", 0, "!invalid JSON"},
	})
}
