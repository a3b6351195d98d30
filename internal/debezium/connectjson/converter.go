package connectjson

import (
	"errors"
	"strconv"
	"strings"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// converter reads one JSON value, which is not null, and appends the cell that
// PostgreSQL stores for it. There is one for each family of types.
type converter interface {
	convertValue(c *conversionState, s *scanner, row change.Row) (change.Row, error)
}

// conversionState has the state that converters share while a record is read: buffers,
// the forms of the placeholder, and the note about a changed value.
type conversionState struct {
	placeholder            debezium.Placeholder
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

// semanticTarget chooses by the name that Debezium or Kafka Connect gives to a type. It reports
// false for an unknown name, or for a known one with another Connect type than expected.
func semanticTarget(s *schema) (columnTarget, bool) {
	c, ok := debezium.ConversionOf(s.Name, s.Type, s.Parameters)
	if !ok {
		return columnTarget{}, false
	}
	return columnTarget{converter: converterOf(&c), typ: c.Type}, true
}

// converterOf returns the converter for the form in which the JSON converter writes the values of a
// semantic type.
func converterOf(c *debezium.Conversion) converter {
	switch {
	case c.PlainText:
		return textConverter{}
	case c.Document:
		return documentConverter{}
	case c.Integer != nil:
		return countConverter{convert: c.Integer, text: c.Text}
	case c.Bytes != nil:
		return encodedConverter{convert: c.Bytes, digits: c.Digits, hasPlaceholder: c.HasPlaceholder}
	case c.Scaled != nil:
		return scaledConverter{convert: c.Scaled}
	}
	return stringConverter{convert: c.Text, hasPlaceholder: c.HasPlaceholder}
}
