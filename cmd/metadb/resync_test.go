package main

import (
	"fmt"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/client"
	"metadb/internal/resync"
)

// TestResync performs docs/resync.md: a source is lost, and streamed again by a new connector to
// new topics, without two of its ten rows and with one changed row.
func TestResync(t *testing.T) {
	l, step := newLostStream(t)
	names := make(map[int64]string)
	for id := range int64(10) {
		names[id] = fmt.Sprintf("Patron %d", id)
	}
	l.snapshot("metadb_sensor_1", names)
	step.start()
	step.create()
	step.log(`source "sensor" snapshot complete (last record received); consider running "metadb endsync"`)
	step.stop()
	step.run("", "endsync", "-D", "data", "--source", "sensor", "--force")
	before := step.query("SELECT __id, __start, __end FROM library.patron WHERE id = 5")

	// The last records of the old connector are not read.
	l.write("metadb_sensor_1", 'u', "", 3, "never read")
	delete(names, 0)
	delete(names, 1)
	names[9] = "Renamed"
	l.snapshot("metadb_sensor_2", names)
	step.exec(`UPDATE metadb.source SET topics = '^metadb_sensor_2\.', consumer_group = 'metadb_sensor_2_1'`)
	step.run("metadb: 1 record stays unread in topics that data source \"sensor\" no longer reads\n",
		"sync", "-D", "data", "--source", "sensor", "--force")
	step.start()
	step.log(`source "sensor" snapshot complete (last record received); consider running "metadb endsync"`)
	l.write("metadb_sensor_2", 'c', "", 20, "New")
	step.await("SELECT count(*) FROM library.patron WHERE id = 20", "[1]")
	step.stop()
	step.await("SELECT count(*) FROM library.patron", "[11]")

	step.run("table           current  confirmed  would be ended  for example\nlibrary.patron  11       9          2               (0) (1)\n",
		"endsync", "-D", "data", "--source", "sensor", "--dry-run")
	step.run("metadb: library.patron: 2 of 2 rows ended\nmetadb: data source \"sensor\" is synchronized\n",
		"endsync", "-D", "data", "--source", "sensor", "--force", "-v")
	step.await("SELECT id, name, __end > now() - interval '1 hour' AND __end <= now() FROM library.patron__ WHERE NOT __current ORDER BY id",
		"[0 Patron 0 true] [1 Patron 1 true] [9 Patron 9 false]")
	if after := step.query("SELECT __id, __start, __end FROM library.patron WHERE id = 5"); after != before {
		t.Errorf("the version that did not change was %s and is %s", before, after)
	}
	step.start()
	l.write("metadb_sensor_2", 'c', "", 0, "Patron 0")
	step.await("SELECT count(*) FROM library.patron WHERE id = 0", "[1]")
	step.await("SELECT sync FROM metadb.source", "[0]")
	step.stop()
}

// TestResyncOnTheSameTopics resynchronizes the stream of one connector from a second snapshot in
// the same topics: records that were unread at its begin do not confirm.
func TestResyncOnTheSameTopics(t *testing.T) {
	l, step := newLostStream(t)
	l.snapshot("metadb_sensor_1", map[int64]string{1: "a", 2: "b", 3: "c", 4: "d", 5: "e", 6: "f"})
	step.start()
	step.create()
	step.log("snapshot complete (last record received)")
	step.stop()
	step.run("", "endsync", "-D", "data", "--source", "sensor", "--force")

	// The backlog contains a row that is not in the snapshot.
	l.write("metadb_sensor_1", 'u', "", 6, "backlog")
	step.run("metadb: consumer group \"metadb_sensor_1_1\" has read from 1 topic of data source \"sensor\" already\n"+
		"metadb: only what comes from now on confirms rows: a snapshot that has been read before does not count\n",
		"sync", "-D", "data", "--source", "sensor", "--force")
	step.await("SELECT topic, partition, next_offset FROM metadb.resync_from", "[metadb_sensor_1.library.patron 0 7]")
	l.snapshot("metadb_sensor_1", map[int64]string{1: "a", 2: "b", 3: "c", 4: "d", 5: "e"})
	step.start()
	step.log("snapshot complete (last record received)")
	step.stop()
	step.run("", "endsync", "-D", "data", "--source", "sensor", "--force")
	step.await("SELECT id, name FROM library.patron__ WHERE NOT __current ORDER BY __start", "[6 f] [6 backlog]")
	step.await("SELECT count(*) FROM library.patron", "[5]")
}

// scriptedAnswers answers every question with yes.
type scriptedAnswers struct{ asked []string }

var _ resync.Prompter = (*scriptedAnswers)(nil)

func (a *scriptedAnswers) Ask(q resync.Question) (bool, error) {
	a.asked = append(a.asked, q.Text)
	return true, nil
}
func (a *scriptedAnswers) Warn(string)                         {}
func (a *scriptedAnswers) Progress(change.Table, int64, int64) {}

// TestResyncFromTheBeginning reads the new snapshot before sync. Read again from the beginning,
// it confirms, and changes nothing else.
func TestResyncFromTheBeginning(t *testing.T) {
	l, step := newLostStream(t)
	l.snapshot("metadb_sensor_1", map[int64]string{1: "a", 2: "b", 3: "c", 4: "d", 5: "e", 6: "f"})
	step.start()
	step.create()
	step.log("snapshot complete (last record received)")
	step.stop()
	step.run("", "endsync", "-D", "data", "--source", "sensor", "--force")

	step.exec(`UPDATE metadb.source SET topics = '^metadb_sensor_2\.', consumer_group = 'metadb_sensor_2_1'`)
	l.snapshot("metadb_sensor_2", map[int64]string{1: "a", 2: "b", 3: "c", 4: "changed", 5: "e"})
	l.write("metadb_sensor_2", 'u', "", 2, "b2")
	l.write("metadb_sensor_2", 'u', "", 2, "b3")
	step.start()
	step.await("SELECT count(*) FROM library.patron WHERE name = 'b3'", "[1]")
	step.stop()
	const versions = "SELECT id, name, __current, __start, __end FROM library.patron__ WHERE id < 6 ORDER BY id, __start, __id"
	before := step.query(versions)
	yes := &scriptedAnswers{}
	if err := client.SyncOffline(t.Context(), step.m.DataDir(), yes, resync.SyncOptions{Target: resync.Target{Source: "sensor"}}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(yes.asked, "|"); got != `Begin synchronization process for data source "sensor"? |Read the topics of data source "sensor" from the beginning? ` {
		t.Errorf("asked %s", got)
	}
	step.start()
	step.log("snapshot complete (last record received)")
	// All records have been read when a later one is applied.
	l.write("metadb_sensor_2", 'c', "", 9, "after")
	step.await("SELECT count(*) FROM library.patron WHERE id = 9", "[1]")
	step.stop()
	step.run("", "endsync", "-D", "data", "--source", "sensor", "--force")
	if after := step.query(versions); after != before {
		t.Errorf("the versions were\n%s\nand are\n%s", before, after)
	}
	step.await("SELECT id FROM library.patron ORDER BY id", "[1] [2] [3] [4] [5] [9]")
}
