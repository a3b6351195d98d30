package debezium_test

import (
	"testing"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

const notificationHead = `{"schema":{"type":"struct","fields":[],"optional":false,"name":"io.debezium.connector.common.Notification"},"payload":`

func TestNotifications(t *testing.T) {
	for payload, want := range map[string]change.Event{
		`{"id":"1","aggregate_type":"Initial Snapshot","type":"COMPLETED","additional_data":{"connector_name":"c"},"timestamp":1}`:                                        {Done: change.SnapshotDone},
		`{"id":"1","aggregate_type":"Incremental Snapshot","type":"COMPLETED","additional_data":{"connector_name":"c"},"timestamp":1}`:                                    {Done: change.IncrementalDone},
		`{"aggregate_type":"Incremental Snapshot","type":"TABLE_SCAN_COMPLETED","additional_data":{"scanned_collection":"postgres.library.patron","status":"SUCCEEDED"}}`: {Done: change.IncrementalDone, Source: change.Table{Schema: "library", Name: "patron"}},
		`{"aggregate_type":"Initial Snapshot","type":"TABLE_SCAN_COMPLETED","additional_data":{"scanned_collection":"library.patron","status":"SUCCEEDED"}}`:              {Done: change.SnapshotDone, Source: change.Table{Schema: "library", Name: "patron"}},
		`{"aggregate_type":"Initial Snapshot","type":"TABLE_SCAN_COMPLETED","additional_data":{"scanned_collection":"library.patron","status":"SQL_EXCEPTION"}}`:          {},
		`{"aggregate_type":"Initial Snapshot","type":"IN_PROGRESS","additional_data":{"current_collection_in_progress":"library.patron"}}`:                                {},
		`{"aggregate_type":"Incremental Snapshot","type":"ABORTED"}`:                                                                                                      {},
		`{"aggregate_type":7}`: {},
		`{"id":"x"}`:           {},
	} {
		decoder := debezium.NewDecoder(debezium.Config{})
		for _, again := range []bool{false, true} { // the second time the schema is remembered
			event := decoder.Decode(&debezium.Input{Topic: "notifications", Value: []byte(notificationHead + payload + "}")})
			if event.Op != change.Ignore || event.Done != want.Done || event.Source != want.Source {
				t.Errorf("%s (again: %t): got %s %d %s", payload, again, event.Op, event.Done, event.Source)
			}
		}
	}
}
