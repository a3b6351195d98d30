package connectjson

import (
	"errors"
	"strconv"
	"strings"

	"metadb/internal/change"
)

// converter reads one JSON value, which is not null, and appends the cell that
// PostgreSQL stores for it. There is one for each family of types.
type converter interface {
	convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error)
}

// conversionState has the state that converters share while a record is read: buffers,
// the forms of the placeholder, and the note about a changed value.
type conversionState struct {
	placeholder            placeholderForms
	textBuffer, byteBuffer []byte
	// nested counts the arrays around the value. A placeholder stands for a
	// whole column; inside an array it is an ordinary value.
	nested int
	// changed is the reason why the converted value differs from the source's,
	// empty if it does not.
	changed string
}

// errWrongKind is a converter's error for a JSON value of the wrong kind.
var errWrongKind = errors.New("the value is not of the kind that its schema says")

// columnTarget is the column type and the converter for a schema. note is a message for
// the log where the type is not known, else empty.
type columnTarget struct {
	converter converter
	typ       change.Type
	note      string
}

// targetOf chooses the converter for a schema: by the semantic type if it has
// one, else by Connect's type (docs/spec/02-types.md#column-types).
func targetOf(s *schema) columnTarget {
	if s == nil {
		return columnTarget{converter: rawTextConverter{}, typ: change.Text, note: "the schema does not describe it; stored as text"}
	}
	if s.Name != "" {
		if t, ok := semanticTarget(s); ok {
			return t
		}
	}
	t := plainTarget(s)
	if s.Name == "" || s.Type == typeStruct || s.Type == typeMap || s.Type == typeArray {
		return t
	}
	return columnTarget{
		converter: rawTextConverter{}, typ: change.Text,
		note: "type " + strconv.Quote(s.Name) + " (" + s.Type + ") is not known; stored as text",
	}
}

// plainTarget chooses by Connect's type.
func plainTarget(s *schema) columnTarget {
	switch s.Type {
	case typeInt8, typeInt16:
		return columnTarget{converter: smallIntConverter, typ: change.SmallInt}
	case typeInt32:
		return columnTarget{converter: int32Converter, typ: change.Integer}
	case typeInt64:
		return columnTarget{converter: bigIntConverter, typ: change.BigInt}
	case typeFloat:
		return columnTarget{converter: realConverter{}, typ: change.Real}
	case typeDouble:
		return columnTarget{converter: doubleConverter{}, typ: change.Double}
	case typeBoolean:
		return columnTarget{converter: booleanConverter{}, typ: change.Boolean}
	case typeString:
		return columnTarget{converter: textConverter{}, typ: change.Text}
	case typeBytes:
		return columnTarget{converter: bytesConverter{}, typ: change.Bytea}
	case typeArray:
		element := targetOf(s.Items)
		return columnTarget{converter: arrayConverter{element: element}, typ: change.JSONB, note: element.note}
	case typeMap:
		return columnTarget{converter: structConverter{}, typ: change.JSONB}
	case typeStruct:
		return columnTarget{converter: structConverter{}, typ: change.JSONB, note: structNote(s)}
	}
	return columnTarget{
		converter: rawTextConverter{}, typ: change.Text,
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

// semanticTarget chooses by the name that Debezium or Kafka Connect gives to a type.
// It reports false for an unknown name, or for a known one with another Connect
// type than expected.
// https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-data-types
func semanticTarget(s *schema) (columnTarget, bool) {
	switch s.Name + " " + s.Type {
	case "io.debezium.data.Enum string", "io.debezium.data.EnumSet string", "io.debezium.data.Xml string",
		"io.debezium.data.Ltree string", "io.debezium.data.Tsvector string":
		return columnTarget{converter: textConverter{}, typ: change.Text}, true
	case "io.debezium.data.Uuid string":
		return columnTarget{converter: uuidConverter{}, typ: change.UUID}, true
	case "io.debezium.data.Json string":
		return columnTarget{converter: documentConverter{}, typ: change.JSONB}, true
	case "io.debezium.data.Bits bytes":
		return bitsTarget(s)
	case "org.apache.kafka.connect.data.Decimal bytes":
		return decimalTarget(s)
	case "io.debezium.data.VariableScaleDecimal struct":
		return columnTarget{converter: variableDecimalConverter{}, typ: change.Numeric}, true
	}
	if t, ok := temporalTarget(s); ok {
		return t, true
	}
	return columnTarget{}, false
}

// temporalTarget chooses for dates, times and intervals.
func temporalTarget(s *schema) (columnTarget, bool) {
	switch s.Name + " " + s.Type {
	case "io.debezium.time.Date int32", "org.apache.kafka.connect.data.Date int32":
		return columnTarget{converter: dateConverter{}, typ: change.Date}, true
	case "io.debezium.time.IsoDate string":
		return columnTarget{converter: isoDateConverter{}, typ: change.Date}, true
	case "io.debezium.time.Time int32", "org.apache.kafka.connect.data.Time int32":
		return columnTarget{converter: timeConverter{unit: milliseconds}, typ: change.Time}, true
	case "io.debezium.time.MicroTime int64":
		return columnTarget{converter: timeConverter{unit: microseconds}, typ: change.Time}, true
	case "io.debezium.time.NanoTime int64":
		return columnTarget{converter: timeConverter{unit: nanoseconds}, typ: change.Time}, true
	case "io.debezium.time.IsoTime string":
		return columnTarget{converter: isoTimeConverter{}, typ: change.Time}, true
	case "io.debezium.time.ZonedTime string":
		return columnTarget{converter: isoTimeConverter{zoned: true}, typ: change.TimeTZ}, true
	case "io.debezium.time.Timestamp int64", "org.apache.kafka.connect.data.Timestamp int64":
		return columnTarget{converter: timestampConverter{unit: milliseconds}, typ: change.Timestamp}, true
	case "io.debezium.time.MicroTimestamp int64":
		return columnTarget{converter: timestampConverter{unit: microseconds}, typ: change.Timestamp}, true
	case "io.debezium.time.NanoTimestamp int64":
		return columnTarget{converter: timestampConverter{unit: nanoseconds}, typ: change.Timestamp}, true
	case "io.debezium.time.IsoTimestamp string":
		return columnTarget{converter: isoTimestampConverter{}, typ: change.Timestamp}, true
	case "io.debezium.time.ZonedTimestamp string":
		return columnTarget{converter: isoTimestampConverter{}, typ: change.TimestampTZ}, true
	case "io.debezium.time.MicroDuration int64":
		return columnTarget{converter: durationConverter{unit: microseconds}, typ: change.Interval}, true
	case "io.debezium.time.NanoDuration int64":
		return columnTarget{converter: durationConverter{unit: nanoseconds}, typ: change.Interval}, true
	case "io.debezium.time.Interval string":
		return columnTarget{converter: isoIntervalConverter{}, typ: change.Interval}, true
	}
	return columnTarget{}, false
}
