package debezium

import (
	"errors"
	"fmt"
	"strings"
)

// Debezium has a connector for each kind of database, which source.connector and
// the name of source's schema tell. What the events of the others say of order,
// repetition and names differs: they are refused until it is read.

// supportedConnector is the connector whose events are read.
const supportedConnector = "postgresql"

// checkConnector refuses the events of other connectors than PostgreSQL's. What
// does not say whose it is passes.
func (r *source) checkConnector() error {
	if len(r.connector) == 0 || string(r.connector) == supportedConnector {
		return nil
	}
	return errors.New(otherConnector(string(r.connector)))
}

// otherConnector says that the events of a connector are not read.
func otherConnector(name string) string {
	return fmt.Sprintf("the event is of Debezium's connector %.40q: only the events of its PostgreSQL connector (source.connector %q) are supported",
		name, supportedConnector)
}

// connector returns the connector that an envelope's schema is of, by the name of
// source's: io.debezium.connector.mongo.Source. It is "" if that does not say.
func (s *schema) connector() string {
	source := s.field("source")
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
