package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestSnapshotBegunAnew interrupts the connector in the middle of a snapshot. Rows are deleted
// without events, and the connector begins the snapshot anew in the same topics. The records of
// the abandoned attempt do not count, in an initial synchronization and in a resynchronization,
// with kills of the server, and also for a table that has become empty.
func TestSnapshotBegunAnew(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprintf("again %v", again), func(t *testing.T) {
			l, step := newLostStream(t)
			s := &shelves{t: t, producer: l.producer, prefix: "metadb_sensor_1"}
			s.fill(3, 20)
			if again {
				s.snapshot()
			}
			step.start()
			step.create()
			if again {
				step.log(`source "sensor" snapshot complete (last record received)`)
				step.expect("endsync data source sensor", "library.shelf_00 20 20 0\nlibrary.shelf_01 20 20 0\nlibrary.shelf_02 20 20 0")
				s.prefix = "metadb_sensor_2"
				step.admin(`alter data source sensor options (set topics '^metadb_sensor_2\.', set consumer_group 'metadb_sensor_2_1')`)
				step.expect("sync data source sensor", "")
			}
			// The first attempt contains two tables and a part of the third.
			s.begin()
			for table := range 3 {
				for _, id := range slices.Sorted(maps.Keys(s.rows[table])) {
					if table < 2 || id < 5 {
						s.write(s.encode(table, 'r', "true", id))
					}
				}
			}
			step.await("SELECT count(*) FROM metadb.stream_position WHERE next_offset >= 5 AND topic LIKE '"+s.prefix+"%'", "[3]")
			kill(t, step.m)
			step.start()
			// Rows with low and high keys are deleted, and all rows of a table.
			for _, id := range []int64{0, 1, 19} {
				delete(s.rows[0], id)
			}
			clear(s.rows[1])
			delete(s.rows[2], 3)
			s.snapshot()
			step.log("the connector began its snapshot anew at ")
			step.log("had confirmed does not count any more")
			step.log(`source "sensor" snapshot complete (last record received)`)
			kill(t, step.m)
			step.start()
			if got := step.admin("endsync data source sensor"); !strings.HasPrefix(got, "ERROR: ") {
				t.Errorf("a table without a confirmed row: %s", got)
			}
			const would = "library.shelf_00 20 17 3 (0) (1) (19)\nlibrary.shelf_01 20 0 20 (0) (1) (2)\nlibrary.shelf_02 20 19 1 (3)"
			if got := step.admin("endsync data source sensor with (dry_run)"); !strings.HasSuffix(got, would) {
				t.Errorf("dry run: got %s\nwant at the end %s", got, would)
			}
			step.admin("endsync data source sensor with (force_unconfirmed)")
			s.compare(step)
			step.stop()
		})
	}
}
