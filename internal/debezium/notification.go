package debezium

import (
	"encoding/json"
	"strings"

	"metadb/internal/change"
)

// notificationSchema is the schema's name of records of the notification topic.
// https://debezium.io/documentation/reference/stable/configuration/notification.html
const notificationSchema = "io.debezium.connector.common.Notification"

// notification is the payload of such a record.
type notification struct {
	Aggregate  string            `json:"aggregate_type"`
	Type       string            `json:"type"`
	Additional map[string]string `json:"additional_data"`
}

// readNotification notes in the event what a notification says about a snapshot.
// One that can't be read says nothing.
func readNotification(payload []byte, event *change.Event) {
	var n notification
	if json.Unmarshal(payload, &n) != nil {
		return
	}
	done := change.NotDone
	switch n.Aggregate {
	case "Initial Snapshot":
		done = change.SnapshotDone
	case "Incremental Snapshot":
		done = change.IncrementalDone
	}
	switch n.Type {
	case "COMPLETED":
		event.Done = done
	case "TABLE_SCAN_COMPLETED":
		if table, ok := tableOf(n.Additional["scanned_collection"]); ok && n.Additional["status"] != "SQL_EXCEPTION" {
			event.Done, event.Source = done, table
		}
	}
}

// tableOf reads the name of a table, "schema.table" or "database.schema.table".
func tableOf(name string) (change.Table, bool) {
	parts := strings.Split(strings.ReplaceAll(name, `"`, ""), ".")
	if len(parts) < 2 {
		return change.Table{}, false
	}
	parts = parts[len(parts)-2:]
	return change.Table{Schema: parts[0], Name: parts[1]}, parts[0] != "" && parts[1] != ""
}
