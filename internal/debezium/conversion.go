package debezium

import (
	"errors"
	"strconv"

	"metadb/internal/change"
)

// Conversion makes cells of the values of a semantic type, whatever their wire format. It has a
// function for each form in which such a value may come, nil for forms in which none does. A
// function appends the cell that PostgreSQL stores for a value to a row.
type Conversion struct {
	// Type is the column type.
	Type change.Type
	// PlainText says that the value is a string that is stored as it is, Document that it is a
	// string that holds a JSON document. The other fields are not set then.
	PlainText, Document bool

	// Integer converts a number, which counts something.
	Integer func(row change.Row, value int64) (change.Row, error)
	// Text converts a string, in UTF-8. Where Integer is set too, the string is one that stands
	// for the number in the header __debezium.oldkey.
	Text func(row change.Row, text []byte) (change.Row, error)
	// Bytes converts bytes.
	Bytes func(row change.Row, value []byte) (change.Row, error)
	// Digits converts a number in the notation of JSON.
	Digits func(row change.Row, digits []byte) (change.Row, error)
	// Scaled converts a number in two's complement, the highest byte first, times 10^-scale.
	Scaled func(row change.Row, unscaled []byte, scale int64) (change.Row, error)
	// HasPlaceholder says that the placeholder of unavailable values can be the string or the
	// bytes.
	HasPlaceholder bool
}

// ErrIntegerRange is the error for an integer that doesn't fit its type.
var ErrIntegerRange = errors.New("the integer is too large for its type")

// ConversionOf returns the conversion for a name that Debezium or Kafka Connect gives to a type. It
// reports false for an unknown name, and for a known one with another of Connect's types than
// expected. parameters are those of the type's schema.
// https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-data-types
func ConversionOf(name, connectType string, parameters map[string]string) (Conversion, bool) {
	switch name + " " + connectType {
	case "io.debezium.data.Enum string", "io.debezium.data.EnumSet string", "io.debezium.data.Xml string",
		"io.debezium.data.Ltree string", "io.debezium.data.Tsvector string":
		return Conversion{Type: change.Text, PlainText: true}, true
	case "io.debezium.data.Uuid string":
		return Conversion{Type: change.UUID, Text: appendUUID, HasPlaceholder: true}, true
	case "io.debezium.data.Json string":
		return Conversion{Type: change.JSONB, Document: true}, true
	case "io.debezium.data.Bits bytes":
		return bitsConversion(parameters["length"])
	case "org.apache.kafka.connect.data.Decimal bytes":
		return decimalConversion(parameters["scale"])
	case "io.debezium.data.VariableScaleDecimal struct":
		return Conversion{Type: change.Numeric, Scaled: appendScaled}, true
	}
	return temporalConversion(name + " " + connectType)
}

// temporalConversion returns the conversion for dates, times and intervals.
func temporalConversion(name string) (Conversion, bool) {
	switch name {
	case "io.debezium.time.Date int32", "org.apache.kafka.connect.data.Date int32":
		return Conversion{Type: change.Date, Integer: appendDays, Text: appendISODate}, true
	case "io.debezium.time.IsoDate string":
		return Conversion{Type: change.Date, Text: appendISODate}, true
	case "io.debezium.time.Time int32", "org.apache.kafka.connect.data.Time int32":
		return Conversion{Type: change.Time, Integer: timeOfDay(milliseconds), Text: appendISOTime}, true
	case "io.debezium.time.MicroTime int64":
		return Conversion{Type: change.Time, Integer: timeOfDay(microseconds), Text: appendISOTime}, true
	case "io.debezium.time.NanoTime int64":
		return Conversion{Type: change.Time, Integer: timeOfDay(nanoseconds), Text: appendISOTime}, true
	case "io.debezium.time.IsoTime string":
		return Conversion{Type: change.Time, Text: appendISOTime}, true
	case "io.debezium.time.ZonedTime string":
		return Conversion{Type: change.TimeTZ, Text: appendZonedTime}, true
	case "io.debezium.time.Timestamp int64", "org.apache.kafka.connect.data.Timestamp int64":
		return Conversion{Type: change.Timestamp, Integer: timestamp(milliseconds), Text: appendISOTimestamp}, true
	case "io.debezium.time.MicroTimestamp int64":
		return Conversion{Type: change.Timestamp, Integer: timestamp(microseconds), Text: appendISOTimestamp}, true
	case "io.debezium.time.NanoTimestamp int64":
		return Conversion{Type: change.Timestamp, Integer: timestamp(nanoseconds), Text: appendISOTimestamp}, true
	case "io.debezium.time.IsoTimestamp string":
		return Conversion{Type: change.Timestamp, Text: appendISOTimestamp}, true
	case "io.debezium.time.ZonedTimestamp string":
		return Conversion{Type: change.TimestampTZ, Text: appendISOTimestamp}, true
	case "io.debezium.time.MicroDuration int64":
		return Conversion{Type: change.Interval, Integer: duration(microseconds)}, true
	case "io.debezium.time.NanoDuration int64":
		return Conversion{Type: change.Interval, Integer: duration(nanoseconds)}, true
	case "io.debezium.time.Interval string":
		return Conversion{Type: change.Interval, Text: appendISOInterval}, true
	}
	return Conversion{}, false
}

// bitsConversion returns the conversion for bits. The schemas of a varbit with a limit and of a
// bit(n) are equal, so both are converted as bit(n).
func bitsConversion(length string) (Conversion, bool) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return Conversion{}, false
	}
	if n == unlimitedBits {
		n = 0
	}
	return Conversion{Type: change.Text, Bytes: bits(n), HasPlaceholder: true}, true
}

// decimalConversion returns the conversion for numbers whose scale is in the schema.
func decimalConversion(scale string) (Conversion, bool) {
	n, err := strconv.Atoi(scale)
	if err != nil || n < -maxDecimalScale || n > maxDecimalScale {
		return Conversion{}, false
	}
	return Conversion{
		Type:   change.Numeric,
		Bytes:  func(row change.Row, unscaled []byte) (change.Row, error) { return appendDecimal(row, unscaled, n) },
		Digits: appendDigits,
	}, true
}
