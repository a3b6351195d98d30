package connectjson_test

import (
	"testing"

	"metadb/internal/change"
)

func TestIntervals(t *testing.T) {
	micros, nanos, iso := named("int64", "io.debezium.time.MicroDuration"), named("int64", "io.debezium.time.NanoDuration"), named("string", "io.debezium.time.Interval")
	testColumns(t, []columnCase{
		{micros, "37091106789012", change.Interval, "10303:05:06.789012"},
		{micros, "-1", change.Interval, "-00:00:00.000001"},
		{micros, "0", change.Interval, "00:00:00"},
		{nanos, "1500", change.Interval, "00:00:00.000001"},
		{iso, `"P1Y2M3DT4H5M6.789012S"`, change.Interval, "1 year 2 mons 3 days 04:05:06.789012"},
		{iso, `"P-1Y-2M3DT-4H-5M-6.789S"`, change.Interval, "-1 years -2 mons +3 days -04:05:06.789"},
		{iso, `"P0Y0M0DT0H0M-0.000001S"`, change.Interval, "-00:00:00.000001"},
		{iso, `"P0Y1M-1DT0H0M0S"`, change.Interval, "1 mon -1 days"},
		{iso, `"P100Y"`, change.Interval, "100 years"},
		{iso, `"P2W"`, change.Interval, "14 days"},
		{iso, `"PT2562047788H0M54.775807S"`, change.Interval, "2562047788:00:54.775807"},
		{iso, `"PT2562047789H"`, 0, "!ISO 8601"},
		{iso, `"P999999999Y"`, 0, "!ISO 8601"},
		{iso, `"P"`, 0, "!ISO 8601"},
		{iso, `"P1"`, 0, "!ISO 8601"},
		{iso, `"P1H"`, 0, "!ISO 8601"},
		{iso, `"PT1.5H"`, 0, "!ISO 8601"},
		{iso, `"1Y"`, 0, "!ISO 8601"},
		{iso, `""`, 0, "!ISO 8601"},
		{iso, "null", change.Interval, "NULL"},
	})
}
