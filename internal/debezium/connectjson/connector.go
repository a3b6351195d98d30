package connectjson

import (
	"errors"
	"fmt"
	"strings"
)

// Debezium has a connector for each kind of database. source.connector names it,
// and so does the name of source's schema. Events of the other connectors express
// order, repetition and names in other ways, which this package does not read:
// they are refused.

// supportedConnector is the only connector with events that are read.
const supportedConnector = "postgresql"

// checkConnector refuses the events of other connectors than PostgreSQL's. An
// event without source.connector is accepted.
func (r *sourceBlock) checkConnector() error {
	if len(r.connector) == 0 || string(r.connector) == supportedConnector {
		return nil
	}
	return errors.New(unsupportedConnectorText(string(r.connector)))
}

// unsupportedConnectorText returns the reason for refusing the events of a connector.
func unsupportedConnectorText(name string) string {
	return fmt.Sprintf("the event is of Debezium's connector %.40q: only the events of its PostgreSQL connector (source.connector %q) are supported",
		name, supportedConnector)
}

// connectorName returns the connector of an envelope's schema, taken from the name of
// the schema of source: io.debezium.connector.mongo.Source. It is "" where that
// name has another form.
func (s *schema) connectorName() string {
	source := s.findField("source")
	if source == nil {
		return ""
	}
	rest, isConnector := strings.CutPrefix(source.Name, "io.debezium.connector.")
	name, isSource := strings.CutSuffix(rest, ".Source")
	if !isConnector || !isSource {
		return ""
	}
	return name
}
