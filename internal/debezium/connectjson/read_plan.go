package connectjson

import (
	"fmt"
	"strings"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// plannedColumn is one column of a row: how it is found and how it is converted.
type plannedColumn struct {
	change.Column
	// fieldPrefix is the text before the column's value in the form of Kafka's JSON
	// converter: comma, name and colon.
	fieldPrefix []byte
	converter   converter
	// omitted says that the connector sends NULL for unchanged long values.
	omitted bool
}

// readPlan is a compiled schema: the way to read the payloads that have it.
type readPlan struct {
	// ignored says that records of this schema do not concern a table.
	ignored bool
	// notifies says that they are Debezium's notifications.
	notifies bool
	// refusal is why records of this schema can't be applied, empty if they
	// can.
	refusal string
	columns []plannedColumn
	// filled is the shapes' Filled.
	filled []bool
	// omittedColumns are the columns for which the connector may send NULL where they are
	// unchanged, of the table omittedColumnsTable.
	omittedColumns      []omittedColumn
	omittedColumnsTable change.Table
	index               map[string]int
	// notes say which columns' types are not known; the first event of the
	// plan carries them.
	notes []change.Note
	// shapes has one entry for each form of the record's key that came with
	// this schema, nearly always one.
	shapes []keyShapes
}

// compilePlan makes the plan for a value's schema; raw is valid JSON.
func compilePlan(raw []byte) *readPlan {
	s, err := parseSchema(raw)
	if err != nil {
		return &readPlan{refusal: err.Error()}
	}
	if s == nil {
		return &readPlan{refusal: `the record's "schema" is null: ` + expectedEnvelope}
	}
	row := s.rowSchema()
	switch {
	case row != nil:
		return compileRow(row)
	case strings.HasPrefix(s.Name, "io.debezium.connector."):
		return &readPlan{ignored: true, notifies: s.Name == notificationSchema}
	case s.Type == typeStruct && s.connectorName() != "" && s.connectorName() != debezium.SupportedConnector:
		return &readPlan{refusal: debezium.UnsupportedConnectorText(s.connectorName())}
	case s.Type == typeStruct:
		return &readPlan{refusal: fmt.Sprintf("the record is not a Debezium envelope but a struct %.100q, flattened perhaps: %s", s.Name, expectedEnvelope)}
	}
	return &readPlan{refusal: fmt.Sprintf("the record is not a Debezium envelope but of type %.40q: %s", s.Type, expectedEnvelope)}
}

// expectedEnvelope describes the only form of records that this package reads.
const expectedEnvelope = `expected {"schema":…,"payload":…} of Kafka's JSON converter with schemas, the payload with before, after, source and op`

// rowSchema returns the schema of the row in an envelope's schema, nil if s is no envelope.
func (s *schema) rowSchema() *schema {
	if s.findField("source") == nil || s.findField("op") == nil {
		return nil
	}
	for _, name := range []string{"after", "before"} {
		if row := s.findField(name); row != nil && row.Type == typeStruct {
			return row
		}
	}
	return nil
}

// connectorName returns the connector of an envelope's schema, "" where it has none.
func (s *schema) connectorName() string {
	if source := s.findField("source"); source != nil {
		return debezium.ConnectorOf(source.Name)
	}
	return ""
}

// compileRow makes the plan for the rows of one table.
func compileRow(row *schema) *readPlan {
	p := &readPlan{index: make(map[string]int, len(row.Fields))}
	for _, field := range row.Fields {
		if field == nil {
			return &readPlan{refusal: "the schema has a field that is null"}
		}
		name, err := field.fieldName()
		if err != nil {
			return &readPlan{refusal: err.Error()}
		}
		if _, ok := p.index[name]; ok {
			return &readPlan{refusal: fmt.Sprintf("the schema has two fields named %.70q", name)}
		}
		t := targetOf(field)
		if t.note != "" {
			p.notes = append(p.notes, change.Note{Column: name, Text: t.note})
		}
		p.index[name] = len(p.columns)
		p.filled = append(p.filled, field.isFilled())
		p.columns = append(p.columns, plannedColumn{
			Column:      change.Column{Name: name, Type: t.typ},
			fieldPrefix: newFieldPrefix(field.Field, len(p.columns) > 0),
			converter:   t.converter,
			omitted:     field.isOmitted(),
		})
	}
	return p
}

// newFieldPrefix returns the text before a column's value.
func newFieldPrefix(quoted []byte, comma bool) []byte {
	text := make([]byte, 0, len(quoted)+2)
	if comma {
		text = append(text, ',')
	}
	return append(append(text, quoted...), ':')
}
