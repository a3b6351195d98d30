package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/client"
	"metadb/internal/resync"
	"metadb/internal/testkit/testbed"
)

const sensorTopic = "sensor.library.patron"

// admin returns a client that changes the broker's topics.
func (f *feed) admin() *kadm.Client {
	f.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(f.broker.Address()))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(client.Close)
	return kadm.NewClient(client)
}

// reconnect replaces the feed's producer: one with cached metadata would keep writing to a
// deleted topic.
func (f *feed) reconnect() {
	f.t.Helper()
	producer, err := testbed.NewProducer(f.broker.Address())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(producer.Close)
	f.producer = producer
}

// awaitGap waits until list status shows a gap with a text.
func (r *running) awaitGap(t *testing.T, text string) {
	t.Helper()
	r.await(t, "list status shows "+text, func() error {
		rows := r.admin(t, "list status")
		if len(rows) != 1 || rows[0][2] != "gap" || !strings.Contains(rows[0][8], text) {
			return fmt.Errorf("list status: %v", rows)
		}
		return nil
	})
}

// awaitNoGap waits until list status shows the stream as active or waiting.
func (r *running) awaitNoGap(t *testing.T) {
	t.Helper()
	r.await(t, "the stream is active", func() error {
		if rows := r.admin(t, "list status"); rows[0][2] != "active" && rows[0][2] != "waiting" {
			return fmt.Errorf("list status: %v", rows)
		}
		return nil
	})
}

// TestGap loses offsets by retention, and then the topic. Both gaps are logged and counted, and
// stay over a restart, until the source is resynchronized.
func TestGap(t *testing.T) {
	i, f := install(t), newFeed(t)
	admin := f.admin()
	r := i.start(t)
	r.admin(t, f.source())
	f.change('c', 1, "a", "")
	r.awaitText(t, current, "1=a")
	r.stop(t)
	for id := int64(2); id <= 6; id++ {
		f.change('c', id, "b", "")
	}
	var offsets kadm.Offsets
	offsets.AddOffset(sensorTopic, 0, 4, -1)
	if _, err := admin.DeleteRecords(t.Context(), offsets); err != nil {
		t.Fatal(err)
	}
	const lost = "sensor.library.patron/0 has lost offsets 1 to 3 by retention, 3 events are missing; the data source has to be resynchronized"
	r = i.start(t)
	r.awaitText(t, current, "1=a 5=b 6=b")
	r.awaitGap(t, lost)
	r.awaitLog(t, `source "sensor": gap in the stream: `+lost)
	r.stop(t)
	r = i.start(t)
	r.awaitGap(t, lost)
	r.stop(t)

	if _, err := admin.DeleteTopic(t.Context(), sensorTopic); err != nil {
		t.Fatal(err)
	}
	r = i.start(t)
	// A partition has one entry: the counts add up.
	r.awaitText(t, "SELECT missing || reason FROM metadb.stream_gap", "3topic sensor.library.patron, which has been read, is gone")
	r.awaitGap(t, "topic sensor.library.patron, which has been read, is gone")
	r.admin(t, "sync data source sensor with (restart)") // the first synchronization has not been ended
	// A topic that was gone at sync is not reported as missing.
	r.awaitText(t, "SELECT next_offset FROM metadb.stream_position", "0")
	r.awaitNoGap(t)
	r.stop(t)

	// A topic that is created again after sync is an ordinary one, and so is one that was created
	// before it and has not been read.
	f.reconnect()
	f.change('c', 7, "c", "")
	r = i.start(t)
	r.awaitText(t, current, "1=a 5=b 6=b 7=c")
	r.awaitNoGap(t)
	r.stop(t)
	if _, err := admin.DeleteTopic(t.Context(), sensorTopic); err != nil {
		t.Fatal(err)
	}
	f.reconnect()
	f.change('c', 8, "d", "")
	again := resync.SyncOptions{Target: resync.Target{Source: "sensor"}, Force: true}
	if err := client.SyncOffline(t.Context(), i.dir, &silentPrompter{}, again); err != nil {
		t.Fatal(err)
	}
	r = i.start(t)
	r.awaitText(t, current, "1=a 5=b 6=b 7=c 8=d")
	r.awaitNoGap(t)
}

// TestGapOfOneTable checks that reading a table again removes the gap of its topic, also if the
// topic is gone, and over a restart.
func TestGapOfOneTable(t *testing.T) {
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, f.source())
	f.change('c', 1, "a", "")
	r.awaitText(t, current, "1=a")
	r.stop(t)
	if _, err := f.admin().DeleteTopic(t.Context(), sensorTopic); err != nil {
		t.Fatal(err)
	}
	r = i.start(t)
	r.awaitGap(t, `the data source has to be resynchronized, or what the topic feeds alone, with "sync table": library.patron`)
	r.admin(t, "endsync data source sensor")
	r.admin(t, "sync table library.patron__")
	r.awaitNoGap(t)
	r.awaitText(t, "SELECT count(*) FROM metadb.stream_gap", "0")
	r.stop(t)
	f.reconnect()
	f.change('c', 2, "b", "")
	r = i.start(t)
	r.awaitText(t, current, "1=a 2=b")
	r.awaitNoGap(t)
}

// TestCompacted checks the warning about topics that lose deletes.
func TestCompacted(t *testing.T) {
	i, f := install(t), newFeed(t)
	policy := "compact"
	if _, err := f.admin().CreateTopic(t.Context(), 1, 1, map[string]*string{"cleanup.policy": &policy}, sensorTopic); err != nil {
		t.Fatal(err)
	}
	r := i.start(t)
	r.admin(t, f.source())
	f.change('c', 1, "a", "")
	r.awaitText(t, current, "1=a")
	r.stop(t)
	r = i.start(t)
	r.await(t, "the status names the topic", func() error {
		if rows := r.admin(t, "list status"); !strings.Contains(rows[0][8], "compacted, may lose deletes: "+sensorTopic) {
			return fmt.Errorf("list status: %v", rows)
		}
		return nil
	})
}
