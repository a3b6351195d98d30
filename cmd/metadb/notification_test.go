package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestNotificationOutlivesTheServer checks that the state of a snapshot survives a kill of the
// server. The server is killed after the notification that the snapshot has begun, and after the
// one that it is complete, before that counts: later records may still belong to it.
func TestNotificationOutlivesTheServer(t *testing.T) {
	l, step := synchronized(t)
	step.expect("sync table library.patron__", "")
	l.notifyBegin("patron")
	for id := int64(2); id < 10; id++ {
		l.write("metadb_sensor_1", 'r', "incremental", id, fmt.Sprintf("Patron %d", id))
	}
	step.await("SELECT incremental_begun > 'epoch', notified, complete IS NULL FROM metadb.resync", "[true false true]")
	kill(t, step.m)
	step.start()
	l.notifyEnd("patron")
	step.await("SELECT incremental_begun > 'epoch', notified, complete IS NULL FROM metadb.resync", "[true true true]")
	kill(t, step.m)
	step.start()
	step.log("table library.patron: snapshot complete (notification received)")
	step.expect("endsync table library.patron__", "library.patron 10 8 2")

	// Another resynchronization starts without this state, and so does a restarted one.
	step.expect("sync table library.patron__", "")
	l.notifyBegin("patron")
	l.write("metadb_sensor_1", 'r', "incremental", 3, "Patron 3")
	step.await("SELECT incremental_begun > 'epoch', notified FROM metadb.resync", "[true false]")
	step.await("SELECT count(*) FROM library.zzz___patron___sync", "[1]")
	for _, warning := range []string{"a synchronization is in progress for table library.patron", "an incremental snapshot of table library.patron may be under way"} {
		if got := step.admin("sync table library.patron__ with (restart)"); !strings.Contains(got, "WARNING: "+warning) {
			t.Errorf("got %s, without %q", got, warning)
		}
	}
	step.await("SELECT incremental_begun > 'epoch', notified FROM metadb.resync", "[false false]")
	step.stop()
}

// TestSnapshotUnderWay begins a resynchronization in the middle of a snapshot. Rows that were
// read before are not confirmed, and the end of that snapshot does not make it complete; that of
// the next snapshot does.
func TestSnapshotUnderWay(t *testing.T) {
	l, step := synchronized(t)
	// All rows of a snapshot have the same lsn.
	l.lsn = 500
	l.begin("metadb_sensor_1")
	write := func(mark string, ids ...int64) {
		for _, id := range ids {
			l.write("metadb_sensor_1", 'r', mark, id, fmt.Sprintf("Patron %d", id))
		}
	}
	write("true", 0, 1)
	step.await("SELECT snapshot_lsn FROM metadb.stream_position WHERE topic = 'metadb_sensor_1.library.patron'", "[501]")
	step.admin("sync data source sensor")
	write("true", 2, 3, 4, 5, 6, 7, 8)
	write("last", 9)
	step.await("SELECT count(*) FROM library.zzz___patron___sync", "[8]")
	kill(t, step.m)
	step.start()
	const doubt = "ERROR: the snapshot is not complete: 8 of 10 rows confirmed HINT: "
	if got := step.admin("endsync data source sensor"); !strings.HasPrefix(got, doubt) {
		t.Errorf("after the end of a snapshot that began before: %s", got)
	}
	l.lsn = 600
	names := make(map[int64]string)
	for id := range int64(9) {
		names[id] = fmt.Sprintf("Patron %d", id)
	}
	l.snapshot("metadb_sensor_1", names)
	step.log(`source "sensor" snapshot complete (last record received)`)
	// Patron 9 was in the first snapshot, and has been deleted since.
	step.expect("endsync data source sensor", "library.patron 10 9 1")
	step.stop()
}
