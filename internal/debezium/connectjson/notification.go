package connectjson

import (
	"encoding/json"
	"slices"
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
	// Timestamp is in milliseconds since 1970; early versions of Debezium lack it.
	Timestamp int64 `json:"timestamp"`
}

// readNotification sets the event's notice from a notification about a snapshot.
// A notification that can't be read leaves the event as it is.
func readNotification(payload []byte, event *change.Event) {
	var n notification
	if json.Unmarshal(payload, &n) != nil {
		return
	}
	notice := &change.SnapshotNotification{Incremental: n.Aggregate == "Incremental Snapshot", Time: change.Micros(n.Timestamp) * 1000}
	if !notice.Incremental && n.Aggregate != "Initial Snapshot" {
		return
	}
	if notice.Time == 0 {
		notice.Time = event.Record.Time
	}
	switch n.Type {
	case "STARTED":
		notice.Begins = true
	case "IN_PROGRESS":
		notice.RemainingTables = n.remainingTables("current_collection_in_progress")
	case "TABLE_SCAN_COMPLETED":
		notice.RemainingTables = n.remainingTables("scanned_collection")
		if table, ok := parseTable(n.Additional["scanned_collection"]); ok && n.isScanned() && !slices.Contains(notice.RemainingTables, table) {
			notice.Ends, event.Source = true, table
		}
	case "COMPLETED":
		notice.Ends = true
	}
	if notice.Begins || notice.Ends || len(notice.RemainingTables) > 0 {
		event.Notification = notice
	}
}

// isScanned reports whether all rows of a table were read.
func (n *notification) isScanned() bool {
	return slices.Contains([]string{"", "SUCCEEDED", "EMPTY"}, n.Additional["status"])
}

// remainingTables returns the tables that an incremental snapshot has not begun to read. The
// notification lists the incomplete tables and names the present one; a table that a
// later signal requested again is listed twice. The chunk's number can't serve to find
// the beginning of a table: a connector that is restarted counts from 1 again.
func (n *notification) remainingTables(current string) []change.Table {
	if n.Aggregate != "Incremental Snapshot" {
		return nil // the list of an initial snapshot includes complete tables
	}
	present, ok := parseTable(n.Additional[current])
	if !ok {
		return nil
	}
	var tables []change.Table
	for name := range strings.SplitSeq(n.Additional["data_collections"], ",") {
		if table, ok := parseTable(name); ok {
			tables = append(tables, table)
		}
	}
	if n.Type == "IN_PROGRESS" {
		return slices.DeleteFunc(tables, func(table change.Table) bool { return table == present })
	}
	if i := slices.Index(tables, present); i >= 0 {
		tables = slices.Delete(tables, i, i+1)
	}
	return tables
}

// parseTable reads the name of a table, "schema.table" or "database.schema.table".
func parseTable(name string) (change.Table, bool) {
	parts := strings.Split(strings.ReplaceAll(name, `"`, ""), ".")
	if len(parts) < 2 {
		return change.Table{}, false
	}
	parts = parts[len(parts)-2:]
	return change.Table{Schema: parts[0], Name: parts[1]}, parts[0] != "" && parts[1] != ""
}
