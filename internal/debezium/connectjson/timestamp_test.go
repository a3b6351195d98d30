package connectjson_test

import (
	"testing"

	"metadb/internal/change"
)

func TestTimestamps(t *testing.T) {
	millis, connect := named("int64", "io.debezium.time.Timestamp"), named("int64", "org.apache.kafka.connect.data.Timestamp")
	micros, nanos := named("int64", "io.debezium.time.MicroTimestamp"), named("int64", "io.debezium.time.NanoTimestamp")
	testColumns(t, []columnCase{
		{millis, "1709212455123", change.Timestamp, "2024-02-29 13:14:15.123"},
		{millis, "-1", change.Timestamp, "1969-12-31 23:59:59.999"},
		{millis, "-62135596800000", change.Timestamp, "0001-01-01 00:00:00"},
		{millis, "9223372036825200000", change.Timestamp, "infinity"},
		{millis, "-9223372036832400000", change.Timestamp, "-infinity"},
		{millis, "9223372036825200", change.Timestamp, "infinity"},
		{millis, "-9223372036832400", change.Timestamp, "-infinity"},
		{millis, "9223372036854775", change.Timestamp, "294247-01-10 04:00:54.775"},
		{millis, "9223372036854776", 0, "!too large"},
		{connect, "327416976550111", change.Timestamp, "12345-06-07 08:09:10.111"},
		{connect, "-9223372036832400000", change.Timestamp, "-infinity"},
		{micros, "1709212455123456", change.Timestamp, "2024-02-29 13:14:15.123456"},
		{micros, "-63517780799999999", change.Timestamp, "0044-03-15 12:00:00.000001 BC"},
		{micros, "9223372036854775807", change.Timestamp, "infinity"},
		{micros, "-9223372036854775808", change.Timestamp, "-infinity"},
		{micros, "9223372036825200000", change.Timestamp, "infinity"},
		{micros, "-9223372036832400000", change.Timestamp, "-infinity"},
		{micros, "-9223372036832400", change.Timestamp, "1677-09-21 00:12:43.1676"},
		{micros, "-210866803200000000", change.Timestamp, "4714-11-24 00:00:00 BC"},
		{micros, "-210866803200000001", 0, "!outside PostgreSQL's range"},
		{nanos, "1709212455123456000", change.Timestamp, "2024-02-29 13:14:15.123456"},
		{nanos, "-1000", change.Timestamp, "1969-12-31 23:59:59.999999"},
		{nanos, "9223372036854775807", change.Timestamp, "infinity"},
		{nanos, "-9223372036854775808", change.Timestamp, "-infinity"},
		{nanos, "null", change.Timestamp, "NULL"},
		{nanos, "false", 0, `!column "v"`},
	})
}

func TestISOTimestamps(t *testing.T) {
	iso, zoned := named("string", "io.debezium.time.IsoTimestamp"), named("string", "io.debezium.time.ZonedTimestamp")
	testColumns(t, []columnCase{
		{iso, `"2024-02-29T13:14:15.123456Z"`, change.Timestamp, "2024-02-29 13:14:15.123456"},
		{iso, `"-292275055-05-16T23:00:00Z"`, change.Timestamp, "-infinity"},
		{iso, `"+292278994-08-16T23:00:00Z"`, change.Timestamp, "infinity"},
		{zoned, `"2024-02-29T11:14:15.123456Z"`, change.TimestampTZ, "2024-02-29 11:14:15.123456+00"},
		{zoned, `"2024-02-29T11:14:15.123456789Z"`, change.TimestampTZ, "2024-02-29 11:14:15.123456+00"},
		{zoned, `"2024-02-29T01:00:00+02:00"`, change.TimestampTZ, "2024-02-28 23:00:00+00"},
		{zoned, `"2024-02-29T11:14Z"`, change.TimestampTZ, "2024-02-29 11:14:00+00"},
		{zoned, `"infinity"`, change.TimestampTZ, "infinity"},
		{zoned, `"-infinity"`, change.TimestampTZ, "-infinity"},
		{zoned, `"-0043-03-15T12:00:00.000000Z"`, change.TimestampTZ, "0044-03-15 12:00:00+00 BC"},
		{zoned, `"+12345-06-07T08:09:10.111213Z"`, change.TimestampTZ, "12345-06-07 08:09:10.111213+00"},
		{zoned, `"+294276-12-31T23:59:59.999999Z"`, change.TimestampTZ, "294276-12-31 23:59:59.999999+00"},
		{zoned, `"+294277-01-01T00:00:00Z"`, 0, "!outside PostgreSQL's range"},
		{zoned, `"-4713-11-24T00:00:00Z"`, change.TimestampTZ, "4714-11-24 00:00:00+00 BC"},
		{zoned, `"-4713-11-23T23:59:59Z"`, 0, "!outside PostgreSQL's range"},
		{zoned, `"+999999999-01-01T00:00:00Z"`, 0, "!outside PostgreSQL's range"},
		{zoned, `"2024-02-29 11:14:15Z"`, 0, "!ISO 8601"},
		{zoned, `"2024-02-30T11:14:15Z"`, 0, "!ISO 8601"},
		{zoned, `"tomorrow"`, 0, "!ISO 8601"},
		{zoned, "null", change.TimestampTZ, "NULL"},
	})
}
