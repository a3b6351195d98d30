package debezium

import (
	"errors"
	"strconv"
	"strings"

	"metadb/internal/change"
)

// converter reads one JSON value, which is not null, and appends the cell that
// PostgreSQL stores for it. There is one for each family of types.
type converter interface {
	convert(c *conversion, s *scanner, row change.Row) (change.Row, error)
}

// conversion has the state that converters share while a record is read: buffers,
// the forms of the placeholder, and the note about a changed value.
type conversion struct {
	placeholder placeholder
	text, octet []byte
	// nested counts the arrays around the value. A placeholder stands for a
	// whole column; inside an array it is an ordinary value.
	nested int
	// changed is the reason why the converted value differs from the source's,
	// empty if it does not.
	changed string
}

// errWrongKind is a converter's error for a JSON value of the wrong kind.
var errWrongKind = errors.New("the value is not of the kind that its schema says")

// target is the column type and the converter for a schema. note is a message for
// the log where the type is not known, else empty.
type target struct {
	convert converter
	typ     change.Type
	note    string
}

// targetOf chooses the converter for a schema: by the semantic type if it has
// one, else by Connect's type (docs/spec/02-types.md#column-types).
func targetOf(s *schema) target {
	if s == nil {
		return target{convert: rawText{}, typ: change.Text, note: "the schema does not describe it; stored as text"}
	}
	if s.Name != "" {
		if t, ok := semantic(s); ok {
			return t
		}
	}
	t := plain(s)
	if s.Name == "" || s.Type == typeStruct || s.Type == typeMap || s.Type == typeArray {
		return t
	}
	return target{
		convert: rawText{}, typ: change.Text,
		note: "type " + strconv.Quote(s.Name) + " (" + s.Type + ") is not known; stored as text",
	}
}

// plain chooses by Connect's type.
func plain(s *schema) target {
	switch s.Type {
	case typeInt8, typeInt16:
		return target{convert: smallInt, typ: change.SmallInt}
	case typeInt32:
		return target{convert: integer, typ: change.Integer}
	case typeInt64:
		return target{convert: bigInt, typ: change.BigInt}
	case typeFloat:
		return target{convert: realNumber{}, typ: change.Real}
	case typeDouble:
		return target{convert: doubleNumber{}, typ: change.Double}
	case typeBoolean:
		return target{convert: boolean{}, typ: change.Boolean}
	case typeString:
		return target{convert: text{}, typ: change.Text}
	case typeBytes:
		return target{convert: octets{}, typ: change.Bytea}
	case typeArray:
		element := targetOf(s.Items)
		return target{convert: list{element: element}, typ: change.JSONB, note: element.note}
	case typeMap:
		return target{convert: opaque{}, typ: change.JSONB}
	case typeStruct:
		return target{convert: opaque{}, typ: change.JSONB, note: structNote(s)}
	}
	return target{
		convert: rawText{}, typ: change.Text,
		note: "type " + strconv.Quote(s.Type) + " is not known; stored as text",
	}
}

// structNote says that a struct is not known, unless it is.
func structNote(s *schema) string {
	if strings.HasPrefix(s.Name, "io.debezium.data.geometry.") || s.Name == "io.debezium.data.SparseVector" {
		return ""
	}
	return "struct " + strconv.Quote(s.Name) + " is not known; stored as jsonb"
}

// semantic chooses by the name that Debezium or Kafka Connect gives to a type.
// It reports false for an unknown name, or for a known one with another Connect
// type than expected.
// https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-data-types
func semantic(s *schema) (target, bool) {
	switch s.Name + " " + s.Type {
	case "io.debezium.data.Enum string", "io.debezium.data.EnumSet string", "io.debezium.data.Xml string",
		"io.debezium.data.Ltree string", "io.debezium.data.Tsvector string":
		return target{convert: text{}, typ: change.Text}, true
	case "io.debezium.data.Uuid string":
		return target{convert: uuid{}, typ: change.UUID}, true
	case "io.debezium.data.Json string":
		return target{convert: document{}, typ: change.JSONB}, true
	case "io.debezium.data.Bits bytes":
		return bitsTarget(s)
	case "org.apache.kafka.connect.data.Decimal bytes":
		return decimalTarget(s)
	case "io.debezium.data.VariableScaleDecimal struct":
		return target{convert: variableDecimal{}, typ: change.Numeric}, true
	}
	if t, ok := semanticMoment(s); ok {
		return t, true
	}
	return target{}, false
}

// semanticMoment chooses for dates, times and intervals.
func semanticMoment(s *schema) (target, bool) {
	switch s.Name + " " + s.Type {
	case "io.debezium.time.Date int32", "org.apache.kafka.connect.data.Date int32":
		return target{convert: date{}, typ: change.Date}, true
	case "io.debezium.time.IsoDate string":
		return target{convert: isoDate{}, typ: change.Date}, true
	case "io.debezium.time.Time int32", "org.apache.kafka.connect.data.Time int32":
		return target{convert: timeOfDay{unit: milliseconds}, typ: change.Time}, true
	case "io.debezium.time.MicroTime int64":
		return target{convert: timeOfDay{unit: microseconds}, typ: change.Time}, true
	case "io.debezium.time.NanoTime int64":
		return target{convert: timeOfDay{unit: nanoseconds}, typ: change.Time}, true
	case "io.debezium.time.IsoTime string":
		return target{convert: isoTime{}, typ: change.Time}, true
	case "io.debezium.time.ZonedTime string":
		return target{convert: isoTime{zoned: true}, typ: change.TimeTZ}, true
	case "io.debezium.time.Timestamp int64", "org.apache.kafka.connect.data.Timestamp int64":
		return target{convert: timestamp{unit: milliseconds}, typ: change.Timestamp}, true
	case "io.debezium.time.MicroTimestamp int64":
		return target{convert: timestamp{unit: microseconds}, typ: change.Timestamp}, true
	case "io.debezium.time.NanoTimestamp int64":
		return target{convert: timestamp{unit: nanoseconds}, typ: change.Timestamp}, true
	case "io.debezium.time.IsoTimestamp string":
		return target{convert: isoTimestamp{}, typ: change.Timestamp}, true
	case "io.debezium.time.ZonedTimestamp string":
		return target{convert: isoTimestamp{}, typ: change.TimestampTZ}, true
	case "io.debezium.time.MicroDuration int64":
		return target{convert: duration{unit: microseconds}, typ: change.Interval}, true
	case "io.debezium.time.NanoDuration int64":
		return target{convert: duration{unit: nanoseconds}, typ: change.Interval}, true
	case "io.debezium.time.Interval string":
		return target{convert: isoInterval{}, typ: change.Interval}, true
	}
	return target{}, false
}
