package resync_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/resync"
	"metadb/internal/source"
)

const syncQuestion = `Begin synchronization process for data source "sensor"? `

func TestUnknownSource(t *testing.T) {
	r := newRig(t)
	const want = `data source "x" does not exist`
	if err := resync.Sync(t.Context(), r.conn, &scriptedPrompter{}, resync.SyncOptions{Target: resync.Target{Source: "x"}}); err == nil || err.Error() != want {
		t.Errorf("sync: %v", err)
	}
	if _, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, resync.EndsyncOptions{Target: resync.Target{Source: "x"}}); err == nil || err.Error() != want {
		t.Errorf("endsync: %v", err)
	}
	r.exec("UPDATE metadb.source SET sync = 0")
	_, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, resync.EndsyncOptions{Target: sensor})
	if err == nil || err.Error() != `"endsync" can only be used in sync mode` {
		t.Errorf("endsync in normal mode: %v", err)
	}
}

func TestSync(t *testing.T) {
	r := newRig(t)
	r.exec("UPDATE metadb.source SET sync = 0")
	r.apply(put("patron", 1, "a", 1))
	r.exec("DELETE FROM metadb.stream_position")
	r.exec("INSERT INTO library.zzz___patron___sync VALUES (1)")
	r.exec("INSERT INTO metadb.resync_from VALUES ('sensor', 'old', 0, 7), ('other', 'old', 0, 7)")

	declined := &scriptedPrompter{no: "Begin"}
	o := resync.SyncOptions{Target: sensor, Bounds: noBroker(t)}
	if err := resync.Sync(t.Context(), r.conn, declined, o); !errors.Is(err, resync.ErrDeclined) {
		t.Fatalf("got %v", err)
	}
	r.expect("SELECT sync FROM metadb.source", "0")
	r.expect("SELECT count(*) FROM library.zzz___patron___sync", "1")

	f := &scriptedPrompter{}
	if err := resync.Sync(t.Context(), r.conn, f, o); err != nil {
		t.Fatal(err)
	}
	f.heard(t, syncQuestion)
	r.expect("SELECT sync FROM metadb.source", "2")
	r.expect("SELECT count(*) FROM library.zzz___patron___sync", "0")
	r.expect("SELECT source_name, complete IS NULL, endsync_time IS NULL FROM metadb.resync", "sensor true true")
	r.expect("SELECT source_name FROM metadb.resync_from", "other")
	r.expect("SELECT v FROM library.patron", "a")

	// Again: it warns, asks whether to restart, and begins anew.
	r.exec("UPDATE metadb.resync SET complete = 'last record received', endsync_time = now(), started_at = 'epoch'")
	r.exec("INSERT INTO library.zzz___patron___sync VALUES (1)")
	f = &scriptedPrompter{}
	if err := resync.Sync(t.Context(), r.conn, f, o); err != nil {
		t.Fatal(err)
	}
	f.heard(t, `a synchronization is in progress for data source "sensor"`, `Restart synchronization process for data source "sensor"? `)
	r.expect("SELECT started_at > now() - interval '1 minute', complete IS NULL, endsync_time IS NULL FROM metadb.resync", "true true true")
	r.expect("SELECT count(*) FROM library.zzz___patron___sync", "0")
}

// TestSyncOnTopicsReadBefore has positions of the consumer group, of another one, and of topics
// that are not read any more.
func TestSyncOnTopicsReadBefore(t *testing.T) {
	const (
		unread   = `15 records stay unread in topics that data source "sensor" no longer reads`
		already  = `consumer group "metadb_sensor_2_1" has read from 1 topic of data source "sensor" already`
		question = `Read the topics of data source "sensor" from the beginning? `
		fromNow  = "only what comes from now on confirms rows: a snapshot that has been read before does not count"
	)
	part := func(topic string, number int32) change.Partition {
		return change.Partition{Topic: topic, Number: number}
	}
	ask := func(_ context.Context, _ *datasource.Options, topics []string) (map[change.Partition]source.Bounds, error) {
		switch fmt.Sprint(topics) {
		case "[metadb_sensor_1.a metadb_sensor_1.gone]":
			return map[change.Partition]source.Bounds{part("metadb_sensor_1.a", 0): {Start: 0, End: 25}}, nil
		case "[metadb_sensor_2.a]":
			return map[change.Partition]source.Bounds{
				part("metadb_sensor_2.a", 0): {Start: 3, End: 90}, part("metadb_sensor_2.a", 1): {Start: 0, End: 8},
			}, nil
		}
		t.Errorf("asked for %v", topics)
		return nil, nil
	}
	const before = "metadb_sensor_1_1 metadb_sensor_1.a 0 10 0\nmetadb_sensor_1_1 metadb_sensor_1.gone 0 10 0\n" +
		"metadb_sensor_1_1 metadb_sensor_2.a 0 1 0\nmetadb_sensor_2_1 metadb_sensor_2.a 0 50 77"
	for name, test := range map[string]struct {
		force, again    bool
		no              string
		said            []string
		from, positions string
	}{
		"from the beginning": {
			said: []string{syncQuestion, unread, already, question},
			positions: "metadb_sensor_1_1 metadb_sensor_1.a 0 10 0\nmetadb_sensor_1_1 metadb_sensor_1.gone 0 10 0\n" +
				"metadb_sensor_1_1 metadb_sensor_2.a 0 1 0\nmetadb_sensor_2_1 metadb_sensor_2.a 0 3 77\nmetadb_sensor_2_1 metadb_sensor_2.a 1 0 0",
		},
		"forced, from the beginning": {
			force: true, again: true,
			said: []string{unread, already},
			positions: "metadb_sensor_1_1 metadb_sensor_1.a 0 10 0\nmetadb_sensor_1_1 metadb_sensor_1.gone 0 10 0\n" +
				"metadb_sensor_1_1 metadb_sensor_2.a 0 1 0\nmetadb_sensor_2_1 metadb_sensor_2.a 0 3 77\nmetadb_sensor_2_1 metadb_sensor_2.a 1 0 0",
		},
		"from now on": {
			no:        "from the beginning",
			said:      []string{syncQuestion, unread, already, question, fromNow},
			from:      "sensor metadb_sensor_2.a 0 90\nsensor metadb_sensor_2.a 1 8",
			positions: before,
		},
		"forced": {
			force:     true,
			said:      []string{unread, already, fromNow},
			from:      "sensor metadb_sensor_2.a 0 90\nsensor metadb_sensor_2.a 1 8",
			positions: before,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.exec("UPDATE metadb.source SET sync = 0")
			r.exec(`INSERT INTO metadb.stream_position (source_name, consumer_group, topic, partition, next_offset, high_lsn) VALUES
				('sensor', 'metadb_sensor_1_1', 'metadb_sensor_1.a', 0, 10, 0), ('sensor', 'metadb_sensor_1_1', 'metadb_sensor_1.gone', 0, 10, 0),
				('sensor', 'metadb_sensor_1_1', 'metadb_sensor_2.a', 0, 1, 0), ('sensor', 'metadb_sensor_2_1', 'metadb_sensor_2.a', 0, 50, 77)`)
			f := &scriptedPrompter{no: test.no}
			if err := resync.Sync(t.Context(), r.conn, f, resync.SyncOptions{Target: sensor, Force: test.force, FromBeginning: test.again, Bounds: ask}); err != nil {
				t.Fatal(err)
			}
			f.heard(t, test.said...)
			r.expect("SELECT source_name, topic, partition, next_offset FROM metadb.resync_from ORDER BY 2, 3", test.from)
			r.expect("SELECT consumer_group, topic, partition, next_offset, high_lsn FROM metadb.stream_position ORDER BY 1, 2, 3", test.positions)
		})
	}
}

// TestSyncBeginsAnew has partitions that can't continue at their positions. They begin anew,
// since the missing records are older than the resynchronization; the others continue.
func TestSyncBeginsAnew(t *testing.T) {
	old, now := change.TopicID{1}, change.TopicID{2}
	part := func(topic string) change.Partition { return change.Partition{Topic: "metadb_sensor_2." + topic} }
	ask := func(context.Context, *datasource.Options, []string) (map[change.Partition]source.Bounds, error) {
		return map[change.Partition]source.Bounds{
			part("another"): {Start: 0, End: 90, TopicID: now},
			part("goes_on"): {Start: 3, End: 90, TopicID: old},
			part("removed"): {Start: 70, End: 90, TopicID: old},
			part("shorter"): {Start: 0, End: 40, TopicID: old},
			part("new"):     {Start: 5, End: 40, TopicID: now},
		}, nil
	}
	r := newRig(t)
	r.exec("UPDATE metadb.source SET sync = 0")
	r.exec(`INSERT INTO metadb.stream_position (source_name, consumer_group, topic, partition, next_offset, reached, high_lsn, topic_id)
		SELECT 'sensor', $1, 'metadb_sensor_2.' || name, 0, 50, 60, 7, $2 FROM unnest('{another,goes_on,gone,removed,shorter}'::text[]) AS name`, group, [16]byte(old))
	if err := resync.Sync(t.Context(), r.conn, &scriptedPrompter{}, resync.SyncOptions{Target: sensor, Force: true, Bounds: ask}); err != nil {
		t.Fatal(err)
	}
	r.expect("SELECT substr(topic, 17), next_offset, reached, high_lsn, left(topic_id::text, 2) FROM metadb.stream_position ORDER BY 1",
		"another 0 0 7 02\ngoes_on 50 60 7 01\ngone 0 0 7 <nil>\nremoved 70 60 7 01\nshorter 0 60 7 01")
	r.expect("SELECT substr(topic, 17), next_offset FROM metadb.resync_from ORDER BY 1", "another 90\ngoes_on 90\nnew 40\nremoved 90\nshorter 40")
}

// TestSyncWithoutBroker has an unreachable broker: the ends of topics are unknown, and nothing
// changes.
func TestSyncWithoutBroker(t *testing.T) {
	r := newRig(t)
	r.exec("UPDATE metadb.source SET sync = 0")
	r.exec("INSERT INTO metadb.stream_position (source_name, consumer_group, topic, partition, next_offset) VALUES ('sensor', $1, 'metadb_sensor_2.a', 0, 10)", group)
	away := errors.New("no broker answers")
	o := resync.SyncOptions{Target: sensor, Bounds: func(context.Context, *datasource.Options, []string) (map[change.Partition]source.Bounds, error) {
		return nil, away
	}}
	err := resync.Sync(t.Context(), r.conn, &scriptedPrompter{}, o)
	if !errors.Is(err, away) || err.Error() != "ask the broker where the topics end: no broker answers" {
		t.Fatalf("got %v", err)
	}
	r.expect("SELECT sync FROM metadb.source", "0")
	r.expect("SELECT count(*) FROM metadb.resync", "0")
}

// TestSyncOfATable checks that events confirm from the ends at the time of sync on, also in
// topics that have not been read: their records are older.
func TestSyncOfATable(t *testing.T) {
	r := newRig(t)
	patron := change.Table{Schema: "library", Name: "patron"}
	r.exec("UPDATE metadb.source SET sync = 0")
	r.exec("INSERT INTO metadb.stream_position (source_name, consumer_group, topic, partition, next_offset) VALUES ('sensor', $1, 'metadb_sensor_2.a', 0, 10)", group)
	r.apply(put("patron", 1, "a", 1))
	o := resync.SyncOptions{Target: resync.Target{Source: "sensor", Table: patron}, Bounds: func(_ context.Context, _ *datasource.Options, topics []string) (map[change.Partition]source.Bounds, error) {
		if topics != nil {
			t.Errorf("asked for %v", topics)
		}
		return map[change.Partition]source.Bounds{{Topic: "metadb_sensor_2.a"}: {End: 20}, {Topic: "metadb_sensor_2.new"}: {End: 3}}, nil
	}}
	if err := resync.Sync(t.Context(), r.conn, &scriptedPrompter{}, o); err != nil {
		t.Fatal(err)
	}
	r.expect("SELECT table_name, topic, next_offset FROM metadb.resync_from ORDER BY 2", "patron metadb_sensor_2.a 20\npatron metadb_sensor_2.new 3")
}
