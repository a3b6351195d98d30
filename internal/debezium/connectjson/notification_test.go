package connectjson_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/testkit/corpus"
)

const notificationHead = `{"schema":{"type":"struct","fields":[],"optional":false,"name":"io.debezium.connector.common.Notification"},"payload":`

func TestNotifications(t *testing.T) {
	patron, loan := change.Table{Schema: "library", Name: "patron"}, change.Table{Schema: "library", Name: "loan"}
	const incremental, initial = `"aggregate_type":"Incremental Snapshot","type":`, `"aggregate_type":"Initial Snapshot","type":`
	notice := func(n change.SnapshotNotification) change.Event {
		n.Time = 1000
		return change.Event{Notification: &n}
	}
	scanned := func(incremental bool) change.Event {
		e := notice(change.SnapshotNotification{Ends: true, Incremental: incremental})
		e.Source = patron
		return e
	}
	waiting := func(tables ...change.Table) change.Event {
		return notice(change.SnapshotNotification{Incremental: true, RemainingTables: tables})
	}
	again := scanned(true)
	again.Notification.RemainingTables = []change.Table{loan}
	for payload, want := range map[string]change.Event{
		initial + `"COMPLETED"`:     notice(change.SnapshotNotification{Ends: true}),
		initial + `"STARTED"`:       notice(change.SnapshotNotification{Begins: true}),
		incremental + `"COMPLETED"`: notice(change.SnapshotNotification{Ends: true, Incremental: true}),
		incremental + `"STARTED","additional_data":{"data_collections":"library.patron"}`:                                                                 notice(change.SnapshotNotification{Begins: true, Incremental: true}),
		incremental + `"TABLE_SCAN_COMPLETED","additional_data":{"scanned_collection":"postgres.library.patron","status":"SUCCEEDED"}`:                    scanned(true),
		incremental + `"TABLE_SCAN_COMPLETED","additional_data":{"scanned_collection":"library.patron","status":"EMPTY"}`:                                 scanned(true),
		incremental + `"TABLE_SCAN_COMPLETED","additional_data":{"scanned_collection":"library.patron","data_collections":"library.patron,library.loan"}`: again,
		// A later signal requests the table again: the earlier request is complete.
		incremental + `"TABLE_SCAN_COMPLETED","additional_data":{"scanned_collection":"library.patron","data_collections":"library.patron,library.patron"}`:    waiting(patron),
		incremental + `"IN_PROGRESS","additional_data":{"current_collection_in_progress":"library.patron","data_collections":"library.patron,library.loan"}`:   waiting(loan),
		incremental + `"IN_PROGRESS","additional_data":{"current_collection_in_progress":"library.patron","data_collections":"library.patron,library.patron"}`: {},
		incremental + `"IN_PROGRESS","additional_data":{"data_collections":"library.patron,library.loan"}`:                                                     {},
		incremental + `"TABLE_SCAN_COMPLETED","additional_data":{"scanned_collection":"library.patron","status":"UNKNOWN_SCHEMA"}`:                             {},
		incremental + `"ABORTED","additional_data":{"data_collections":"library.patron"}`:                                                                      {},
		initial + `"TABLE_SCAN_COMPLETED","additional_data":{"scanned_collection":"library.patron","data_collections":"library.loan","status":"SUCCEEDED"}`:    scanned(false),
		initial + `"TABLE_SCAN_COMPLETED","additional_data":{"scanned_collection":"library.patron","status":"SQL_EXCEPTION"}`:                                  {},
		initial + `"IN_PROGRESS","additional_data":{"current_collection_in_progress":"library.patron","data_collections":"library.loan,library.patron"}`:       {},
		`"aggregate_type":"Schema History","type":"COMPLETED"`:                                                                                                 {},
		`"aggregate_type":7`: {},
		`"type":"STARTED"`:   {},
	} {
		decoder := connectjson.NewDecoder(connectjson.Config{})
		for _, again := range []bool{false, true} { // the second time the schema is cached
			event := decoder.Decode(&debezium.Input{Topic: "notifications", Value: []byte(notificationHead + `{"id":"x","timestamp":1,` + payload + "}}")})
			if event.Op != change.Ignore || !reflect.DeepEqual(event.Notification, want.Notification) || event.Source != want.Source {
				t.Errorf("%s (again: %t): got %s %+v %s", payload, again, event.Op, event.Notification, event.Source)
			}
		}
	}
}

// TestNotificationWithoutTime has that of its record.
func TestNotificationWithoutTime(t *testing.T) {
	const value = notificationHead + `{"id":"x","aggregate_type":"Initial Snapshot","type":"STARTED"}}`
	event := connectjson.NewDecoder(connectjson.Config{}).Decode(&debezium.Input{Topic: "notifications", Time: 7, Value: []byte(value)})
	if event.Notification == nil || event.Notification.Time != 7 {
		t.Errorf("got %+v", event.Notification)
	}
}

// TestRecordedNotifications are those of an initial, an incremental and a blocking snapshot.
func TestRecordedNotifications(t *testing.T) {
	decoder := connectjson.NewDecoder(connectjson.Config{})
	var got []string
	for _, record := range corpus.Events(t, "incremental") {
		input := inputOf(record)
		event := decoder.Decode(input)
		if n := event.Notification; n != nil {
			got = append(got, fmt.Sprintf("%t %t %t %v %s", n.Incremental, n.Begins, n.Ends, n.RemainingTables, event.Source.Name))
		}
	}
	want := []string{
		"false true false [] ", "false false true [] other", "false false true [] part", "false false true [] ",
		"true true false [] ", "true false true [] part", "true false true [] ",
		"false true false [] ", "false false true [] other", "false false true [] part", "false false true [] ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s", strings.Join(got, "\n"))
	}
}
