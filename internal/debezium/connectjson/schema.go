package connectjson

import (
	"encoding/json"
	"fmt"
	"strings"
)

// schema is Kafka Connect's description of a value, as the JSON converter
// writes it beside the payload.
// https://github.com/apache/kafka/blob/trunk/connect/json/src/main/java/org/apache/kafka/connect/json/JsonSchema.java
type schema struct {
	Type string `json:"type"`
	// Name is the semantic type, such as io.debezium.time.Date.
	Name string `json:"name"`
	// Field is the name of the field that this is the schema of, as JSON.
	Field      json.RawMessage   `json:"field"`
	Fields     []*schema         `json:"fields"`
	Items      *schema           `json:"items"`
	Parameters map[string]string `json:"parameters"`
	// Optional says that the value may be NULL. Default is the column's default
	// at the source.
	Optional bool            `json:"optional"`
	Default  json.RawMessage `json:"default"`
}

// Connect's types.
const (
	typeInt8    = "int8"
	typeInt16   = "int16"
	typeInt32   = "int32"
	typeInt64   = "int64"
	typeFloat   = "float"
	typeDouble  = "double"
	typeBoolean = "boolean"
	typeString  = "string"
	typeBytes   = "bytes"
	typeArray   = "array"
	typeMap     = "map"
	typeStruct  = "struct"
)

// parseSchema reads a schema; raw is valid JSON.
func parseSchema(raw []byte) (*schema, error) {
	var s *schema
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("the schema is not one of Kafka Connect: %w", err)
	}
	return s, nil
}

// findField returns the schema of a field, nil if no field has that name.
func (s *schema) findField(name string) *schema {
	for _, field := range s.Fields {
		if field == nil {
			continue
		}
		if got, err := field.fieldName(); err == nil && got == name {
			return field
		}
	}
	return nil
}

// fieldName returns the name of the field that s describes.
func (s *schema) fieldName() (string, error) {
	scan := scanner{data: s.Field}
	if scan.peek() != '"' {
		return "", fmt.Errorf("the schema has a field without a name")
	}
	raw, _, err := scan.scanString()
	if err != nil {
		return "", err
	}
	name, whole := unescape(nil, raw)
	if !whole || len(name) == 0 || strings.IndexByte(string(name), 0) >= 0 {
		return "", fmt.Errorf("the schema has a field named %.70q, which is no column's name", name)
	}
	return string(name), nil
}

// isFilled reports whether the source fills a new column in existing rows: it has a
// constant default, or NULL is not allowed. Debezium does not send a default that is
// an expression.
func (s *schema) isFilled() bool {
	return !s.Optional || len(s.Default) > 0 && string(s.Default) != "null"
}
