package connectjson_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"metadb/internal/datatype"
)

// moments draws a moment between the years 1 and 9999, in microseconds.
func moments() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(-62135596800000000, 253402300799999999).Draw(t, "micros")).UTC()
	})
}

// fractionOf returns microseconds as PostgreSQL writes them behind seconds.
func fractionOf(micros int) string {
	if micros == 0 {
		return ""
	}
	return "." + strings.TrimRight(fmt.Sprintf("%06d", micros), "0")
}

func TestMomentProperty(t *testing.T) {
	checkStored(t, func(t *rapid.T, checkColumn columnChecker) {
		moment := moments().Draw(t, "moment")
		micros := moment.Nanosecond() / 1000
		date, clock := moment.Format("2006-01-02"), moment.Format("15:04:05")
		want := date + " " + clock + fractionOf(micros)
		checkColumn(t, schemaMicros, strconv.FormatInt(moment.UnixMicro(), 10), want)
		checkColumn(t, named("string", "io.debezium.time.IsoTimestamp"), `"`+moment.Format("2006-01-02T15:04:05.999999Z")+`"`, want)
		checkColumn(t, schemaMoment, `"`+moment.Format("2006-01-02T15:04:05.000000Z")+`"`, want+"+00")
		east := rapid.IntRange(-15*60, 15*60).Draw(t, "zone") * 60
		if local := moment.In(time.FixedZone("", east)); local.Year() > 0 && local.Year() < 10000 {
			checkColumn(t, schemaMoment, `"`+local.Format("2006-01-02T15:04:05.999999-07:00")+`"`, want+"+00")
		}
		checkColumn(t, named("int64", "io.debezium.time.Timestamp"), strconv.FormatInt(moment.UnixMilli(), 10), date+" "+clock+fractionOf(micros/1000*1000))
		days := strconv.FormatInt(moment.Truncate(24*time.Hour).Unix()/86400, 10)
		checkColumn(t, schemaDate, days, date)
		checkColumn(t, named("string", "io.debezium.time.IsoDate"), `"`+date+`Z"`, date)
		sinceMidnight := moment.UnixMicro() - moment.Truncate(24*time.Hour).UnixMicro()
		checkColumn(t, named("int64", "io.debezium.time.MicroTime"), strconv.FormatInt(sinceMidnight, 10), clock+fractionOf(micros))
		checkColumn(t, named("int64", "io.debezium.time.NanoTime"), strconv.FormatInt(sinceMidnight*1000, 10), clock+fractionOf(micros))
		checkColumn(t, named("string", "io.debezium.time.ZonedTime"), `"`+moment.Format("15:04:05.999999Z")+`"`, clock+fractionOf(micros)+"+00")
		if year := moment.Year(); year > 1700 && year < 2200 {
			checkColumn(t, named("int64", "io.debezium.time.NanoTimestamp"), strconv.FormatInt(moment.UnixNano(), 10), want)
		}
	})
}

// TestIntervalProperty converts random intervals in Debezium's ISO form and
// compares their parts.
func TestIntervalProperty(t *testing.T) {
	checkStored(t, func(t *rapid.T, checkColumn columnChecker) {
		years, months, days := rapid.IntRange(-9999, 9999).Draw(t, "years"), rapid.IntRange(-11, 11).Draw(t, "months"), rapid.Int32().Draw(t, "days")
		if years < 0 && months > 0 || years > 0 && months < 0 {
			months = -months
		}
		micros := rapid.Int64Range(-9e15, 9e15).Draw(t, "micros")
		sign, rest := "", micros
		if micros < 0 {
			sign, rest = "-", -micros
		}
		hours, minutes, seconds := rest/3600000000, rest/60000000%60, rest/1000000%60
		encoded := fmt.Sprintf("P%dY%dM%dDT%s%dH%s%dM%s%d%sS", years, months, days, sign, hours, sign, minutes, sign, seconds, fractionOf(int(rest%1000000)))
		event := decodeColumn(named("string", "io.debezium.time.Interval"), `"`+encoded+`"`)
		columnValue(t, &event)
		want := datatype.AppendInterval(nil, micros, days, int32(years*12+months))
		if got := event.Row.Cell(1).Bytes; string(got) != string(want) {
			t.Fatalf("%s: got %x, want %x", encoded, got, want)
		}
		checkColumn(t, named("int64", "io.debezium.time.MicroDuration"), strconv.FormatInt(micros, 10),
			fmt.Sprintf("%s%02d:%02d:%02d%s", sign, hours, minutes, seconds, fractionOf(int(rest%1000000))))
	})
}
