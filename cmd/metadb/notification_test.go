package main

import (
	"fmt"
	"testing"
)

// TestNotificationOutlivesTheServer: what is known of a snapshot is known after a
// kill too. The server is killed after the snapshot's records, and after the
// notification, before it counts: records might still come after it.
func TestNotificationOutlivesTheServer(t *testing.T) {
	l, step := synchronized(t)
	step.expect("sync table library.patron__", "")
	for id := int64(2); id < 10; id++ {
		l.write("metadb_sensor_1", 'r', "incremental", id, fmt.Sprintf("Patron %d", id))
	}
	step.await("SELECT seen, notified, complete IS NULL FROM metadb.resync", "[true false true]")
	kill(t, step.m)
	step.start()
	l.notify("metadb_sensor_1")
	step.await("SELECT seen, notified, complete IS NULL FROM metadb.resync", "[true true true]")
	kill(t, step.m)
	step.start()
	step.log("table library.patron: snapshot complete (notification received)")
	step.expect("endsync table library.patron__", "library.patron 10 8 2")

	// Another resynchronization knows nothing, nor does one that begins anew.
	step.expect("sync table library.patron__", "")
	l.write("metadb_sensor_1", 'r', "incremental", 3, "Patron 3")
	step.await("SELECT seen, notified FROM metadb.resync", "[true false]")
	step.expect("sync table library.patron__ with (restart)", "WARNING: a synchronization is in progress for table library.patron")
	step.await("SELECT seen, notified FROM metadb.resync", "[false false]")
	step.stop()
}
