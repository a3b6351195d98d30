package eventgen

import (
	"encoding/json"
	"slices"
	"strconv"
)

// Kind is the type of a column at the source.
type Kind uint8

// The kinds of columns, named like PostgreSQL's types. A Go value of a column
// is int64 for the integers, float64 for Real and Double, bool for Boolean,
// []byte for Bytea, time.Time for Date, Timestamp and TimestampTZ, and string
// for all others; nil is NULL in each.
const (
	Text Kind = iota
	SmallInt
	Integer
	BigInt
	Real
	Double
	Boolean
	// Decimal is numeric(p,s); Column.Scale is s.
	Decimal
	// Numeric is numeric without precision.
	Numeric
	Date
	Timestamp
	TimestampTZ
	UUID
	JSON
	Bytea
	kindCount
)

// kindSchema has the parts of a kind's schema.
type kindSchema struct {
	name, connect, logical string
}

// connectSchema returns the schema of a kind: PostgreSQL's name, the Connect type
// and the name that Debezium gives to it.
func (k Kind) connectSchema() kindSchema {
	switch k {
	case SmallInt:
		return kindSchema{"smallint", "int16", ""}
	case Integer:
		return kindSchema{"integer", "int32", ""}
	case BigInt:
		return kindSchema{"bigint", "int64", ""}
	case Real:
		return kindSchema{"real", "float", ""}
	case Double:
		return kindSchema{"double", "double", ""}
	case Boolean:
		return kindSchema{"boolean", "boolean", ""}
	case Decimal:
		return kindSchema{"decimal", "bytes", "org.apache.kafka.connect.data.Decimal"}
	case Numeric:
		return kindSchema{"numeric", "struct", "io.debezium.data.VariableScaleDecimal"}
	case Date:
		return kindSchema{"date", "int32", "io.debezium.time.Date"}
	case Timestamp:
		return kindSchema{"timestamp", "int64", "io.debezium.time.MicroTimestamp"}
	case TimestampTZ:
		return kindSchema{"timestamptz", "string", "io.debezium.time.ZonedTimestamp"}
	case UUID:
		return kindSchema{"uuid", "string", "io.debezium.data.Uuid"}
	case JSON:
		return kindSchema{"json", "string", "io.debezium.data.Json"}
	case Bytea:
		return kindSchema{"bytea", "bytes", ""}
	}
	return kindSchema{"text", "string", ""}
}

// ParseKind returns the kind with the given name: smallint, integer, bigint,
// real, double, boolean, decimal, numeric, date, timestamp, timestamptz, uuid,
// json, bytea or text.
func ParseKind(name string) (Kind, bool) {
	for kind := range kindCount {
		if kind.connectSchema().name == name {
			return kind, true
		}
	}
	return 0, false
}

// Column is a column of a source table.
type Column struct {
	Name string
	Kind Kind
	// Scale is the number of digits behind the point of a Decimal.
	Scale int
	// Required says that the column may not be NULL; Default is its default as
	// JSON, empty without one.
	Required bool
	Default  string
}

// Table is a source table and the connector that streams it.
type Table struct {
	// Prefix is the connector's topic.prefix.
	Prefix       string
	Schema, Name string
	Columns      []Column
	// Key holds the indexes of the primary key's columns; empty for a table
	// without one.
	Key []int
}

// Topic returns the topic to which the connector writes the table's records.
func (t Table) Topic() string { return t.Prefix + "." + t.Schema + "." + t.Name }

// schemaField is one field of a Connect schema as the JSON converter writes it.
type schemaField struct {
	Type       string            `json:"type"`
	Fields     []schemaField     `json:"fields,omitempty"`
	Optional   bool              `json:"optional"`
	Name       string            `json:"name,omitempty"`
	Version    int               `json:"version,omitempty"`
	Doc        string            `json:"doc,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Default    json.RawMessage   `json:"default,omitempty"`
	Field      string            `json:"field,omitempty"`
}

func (t Table) columnField(i int) schemaField {
	c := t.Columns[i]
	s := c.Kind.connectSchema()
	f := schemaField{Type: s.connect, Name: s.logical, Optional: !c.Required && !slices.Contains(t.Key, i), Field: c.Name, Default: json.RawMessage(c.Default)}
	if f.Name != "" {
		f.Version = 1
	}
	switch c.Kind {
	case Decimal:
		f.Parameters = map[string]string{"scale": strconv.Itoa(c.Scale), "connect.decimal.precision": "38"}
	case Numeric:
		f.Doc = "Variable scaled decimal"
		f.Fields = []schemaField{{Type: "int32", Field: "scale"}, {Type: "bytes", Field: "value"}}
	}
	return f
}

// keySchema returns the schema of the record's key.
func (t Table) keySchema() ([]byte, error) {
	schema := schemaField{Type: "struct", Name: t.Topic() + ".Key"}
	for _, i := range t.Key {
		schema.Fields = append(schema.Fields, t.columnField(i))
	}
	return json.Marshal(schema)
}

// valueSchema returns the schema of the record's value, the envelope.
func (t Table) valueSchema() ([]byte, error) {
	row := schemaField{Type: "struct", Optional: true, Name: t.Topic() + ".Value"}
	for i := range t.Columns {
		row.Fields = append(row.Fields, t.columnField(i))
	}
	before, after := row, row
	before.Field, after.Field = "before", "after"
	return json.Marshal(schemaField{
		Type: "struct", Name: t.Topic() + ".Envelope", Version: 2,
		Fields: slices.Concat(
			[]schemaField{before, after, sourceSchema(), transactionSchema(), {Type: "string", Field: "op"}},
			timeFields(),
		),
	})
}

// timeFields returns the fields for one time in three resolutions.
func timeFields() []schemaField {
	return []schemaField{
		{Type: "int64", Optional: true, Field: "ts_ms"},
		{Type: "int64", Optional: true, Field: "ts_us"},
		{Type: "int64", Optional: true, Field: "ts_ns"},
	}
}

func sourceSchema() schemaField {
	text := func(name string) schemaField { return schemaField{Type: "string", Field: name} }
	number := func(name string) schemaField { return schemaField{Type: "int64", Optional: true, Field: name} }
	return schemaField{
		Type: "struct", Name: "io.debezium.connector.postgresql.Source", Version: 1, Field: "source",
		Fields: []schemaField{
			text("version"), text("connector"), text("name"),
			{Type: "int64", Field: "ts_ms"},
			{
				Type: "string", Optional: true, Name: "io.debezium.data.Enum", Version: 1, Default: json.RawMessage(`"false"`), Field: "snapshot",
				Parameters: map[string]string{
					"allowed": "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental",
				},
			},
			text("db"),
			{Type: "string", Optional: true, Field: "sequence"},
			number("ts_us"), number("ts_ns"), text("schema"), text("table"), number("txId"), number("lsn"), number("xmin"),
			{Type: "string", Optional: true, Field: "origin"},
			number("origin_lsn"),
		},
	}
}

func transactionSchema() schemaField {
	return schemaField{
		Type: "struct", Optional: true, Name: "event.block", Version: 1, Field: "transaction",
		Fields: []schemaField{
			{Type: "string", Field: "id"},
			{Type: "int64", Field: "total_order"},
			{Type: "int64", Field: "data_collection_order"},
		},
	}
}
