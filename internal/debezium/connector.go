package debezium

import (
	"errors"
	"fmt"
	"strings"
)

// Debezium has a connector for each kind of database. source.connector names it,
// and so does the name of source's schema. Events of the other connectors express
// order, repetition and names in other ways, which this package does not read:
// they are refused.

// SupportedConnector is the only connector with events that are read.
const SupportedConnector = "postgresql"

// checkConnector refuses the events of other connectors than PostgreSQL's. An
// event without source.connector is accepted.
func (r *Source) checkConnector() error {
	if len(r.Connector) == 0 || string(r.Connector) == SupportedConnector {
		return nil
	}
	return errors.New(UnsupportedConnectorText(string(r.Connector)))
}

// UnsupportedConnectorText returns the reason for refusing the events of a connector.
func UnsupportedConnectorText(name string) string {
	return fmt.Sprintf("the event is of Debezium's connector %.40q: only the events of its PostgreSQL connector (source.connector %q) are supported",
		name, SupportedConnector)
}

// ConnectorOf returns the connector of an envelope by the name of the schema of its block source:
// io.debezium.connector.mongo.Source. It is "" where that name has another form.
func ConnectorOf(sourceSchema string) string {
	rest, isConnector := strings.CutPrefix(sourceSchema, "io.debezium.connector.")
	name, isSource := strings.CutSuffix(rest, ".Source")
	if !isConnector || !isSource {
		return ""
	}
	return name
}
