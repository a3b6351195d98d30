package connectjson_test

import (
	"testing"

	"metadb/internal/change"
)

func TestTimes(t *testing.T) {
	millis, connect := named("int32", "io.debezium.time.Time"), named("int32", "org.apache.kafka.connect.data.Time")
	micros, nanos := named("int64", "io.debezium.time.MicroTime"), named("int64", "io.debezium.time.NanoTime")
	iso, zoned := named("string", "io.debezium.time.IsoTime"), named("string", "io.debezium.time.ZonedTime")
	testColumns(t, []columnCase{
		{millis, "47655123", change.Time, "13:14:15.123"},
		{millis, "0", change.Time, "00:00:00"},
		{connect, "86400000", change.Time, "24:00:00"},
		{connect, "86400001", 0, "!00:00 to 24:00"},
		{connect, "-1", 0, "!00:00 to 24:00"},
		{micros, "86400000000", change.Time, "24:00:00"},
		{micros, "1", change.Time, "00:00:00.000001"},
		{micros, "9223372036854775807", 0, "!00:00 to 24:00"},
		{nanos, "86399999999000", change.Time, "23:59:59.999999"},
		{nanos, "3723400000000", change.Time, "01:02:03.4"},
		{iso, `"13:14:15.123456Z"`, change.Time, "13:14:15.123456"},
		{iso, `"00:00:00Z"`, change.Time, "00:00:00"},
		{iso, `"24:00:00Z"`, change.Time, "24:00:00"},
		{iso, `"24:00:01Z"`, 0, "!00:00 to 24:00"},
		{iso, `"12:60:00Z"`, 0, "!ISO 8601"},
		{iso, `"12:00:00.Z"`, 0, "!ISO 8601"},
		{iso, "null", change.Time, "NULL"},
		{zoned, `"11:14:15.123456Z"`, change.TimeTZ, "11:14:15.123456+00"},
		{zoned, `"13:14:15+02:00"`, change.TimeTZ, "13:14:15+02"},
		{zoned, `"13:14-05:30"`, change.TimeTZ, "13:14:00-05:30"},
		{zoned, `"13:14:15+17:00"`, 0, "!time zone"},
		{zoned, `"13:14:15 UTC"`, 0, "!ISO 8601"},
	})
}
