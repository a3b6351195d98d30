package connectjson_test

import (
	"bytes"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
)

// TestConnectors: events of other connectors are refused, whatever else they say,
// with a reason that names the connector.
func TestConnectors(t *testing.T) {
	row := loan()
	for _, op := range []string{"c", "u", "d", "r", "t", "m"} {
		for _, connector := range []string{"postgresql", "mysql", "mariadb", "sqlserver", "oracle", "db2", "vitess", "Postgresql"} {
			value := bytes.Replace(eventOf(row, op, "null", objectOf(row)), []byte(`"connector":"postgresql"`), []byte(`"connector":"`+connector+`"`), 1)
			event := decode(keyOf(row[:1]), value)
			refused := event.Op == change.Reject && strings.Contains(event.Reason, `connector "`+connector+`"`)
			if refused != (connector != "postgresql") {
				t.Errorf("%s of %s: got %s: %s", op, connector, event.Op, event.Reason)
			}
		}
	}
}

// TestConnectorWithoutNames: other databases have no schemas, documents no rows.
func TestConnectorWithoutNames(t *testing.T) {
	row := loan()
	mysql := bytes.Replace(eventOf(row, "c", "null", objectOf(row)), []byte(`"connector":"postgresql"`), []byte(`"connector":"mysql"`), 1)
	mysql = bytes.Replace(mysql, []byte(`"schema":"library"`), []byte(`"db":"library"`), 1)
	mongo := []byte(`{"schema":{"type":"struct","fields":[` +
		`{"type":"string","optional":true,"name":"io.debezium.data.Json","field":"before"},{"type":"string","optional":true,"name":"io.debezium.data.Json","field":"after"},` +
		`{"type":"struct","fields":[],"name":"io.debezium.connector.mongo.Source","field":"source"},{"type":"string","field":"op"}],"name":"m.library.patron.Envelope"},` +
		`"payload":{"before":null,"after":"{\"_id\":1}","source":{"connector":"mongodb"},"op":"c"}}`)
	for name, value := range map[string][]byte{"mysql": mysql, "mongo": mongo} {
		event := connectjson.NewDecoder(connectjson.Config{}).Decode(&debezium.Input{Topic: "t", Key: []byte(`{"id":"{\"$oid\":\"1\"}"}`), Value: value})
		if event.Op != change.Reject || !strings.Contains(event.Reason, `connector "`+name+`"`) {
			t.Errorf("%s: got %s: %s", name, event.Op, event.Reason)
		}
	}
}
