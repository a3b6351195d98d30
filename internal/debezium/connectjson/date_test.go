package connectjson_test

import (
	"testing"

	"metadb/internal/change"
)

func TestDates(t *testing.T) {
	days, connect, iso := named("int32", "io.debezium.time.Date"), named("int32", "org.apache.kafka.connect.data.Date"), named("string", "io.debezium.time.IsoDate")
	testColumns(t, []columnCase{
		{days, "0", change.Date, "1970-01-01"},
		{days, "19782", change.Date, "2024-02-29"},
		{days, "-1", change.Date, "1969-12-31"},
		{days, "-735160", change.Date, "0044-03-15 BC"},
		{days, "3789548", change.Date, "12345-06-07"},
		{days, "-141438", change.Date, "1582-10-04"},
		{days, "-625821272", change.Date, "-infinity"},
		{days, "-2147472691", change.Date, "-infinity"},
		{days, "-622191234", change.Date, "infinity"},
		{days, "2146033979", change.Date, "infinity"},
		{days, "-2147472692", change.Date, "infinity"},
		{days, "2145042905", change.Date, "5874897-12-31"},
		{days, "2145042906", 0, "!outside PostgreSQL's range"},
		{days, "-2440588", change.Date, "4714-11-24 BC"},
		{days, "-2440589", 0, "!outside PostgreSQL's range"},
		{days, "null", change.Date, "NULL"},
		{connect, "19782", change.Date, "2024-02-29"},
		{connect, "-622191234", change.Date, "infinity"},
		{iso, `"2024-02-29Z"`, change.Date, "2024-02-29"},
		{iso, `"2024-02-29"`, change.Date, "2024-02-29"},
		{iso, `"+12345-06-07Z"`, change.Date, "12345-06-07"},
		{iso, `"-0043-03-15Z"`, change.Date, "0044-03-15 BC"},
		{iso, `"+292269055-12-02Z"`, change.Date, "-infinity"},
		{iso, `"-5877611-06-22Z"`, change.Date, "-infinity"},
		{iso, `"+292278994-08-16Z"`, change.Date, "infinity"},
		{iso, `"+5877611-06-21Z"`, change.Date, "infinity"},
		{iso, `"2023-02-29Z"`, 0, "!ISO 8601"},
		{iso, `"2023-13-01Z"`, 0, "!ISO 8601"},
		{iso, `"2023-1-01Z"`, 0, "!ISO 8601"},
		{iso, `"2023-01-01Z "`, 0, "!ISO 8601"},
		{iso, `"999999999-01-01"`, 0, "!outside PostgreSQL's range"},
		{iso, `""`, 0, "!ISO 8601"},
		{iso, "5", 0, `!column "v"`},
	})
}
