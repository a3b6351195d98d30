package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
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

// awaitGap waits until list status says that the stream has a gap.
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

// TestGap has retention pass the stored position, then the topic go: both are
// said, counted, and stay over a restart, until the source is resynchronized.
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
	if err := r.logged(`source "sensor": gap in the stream: ` + lost); err != nil {
		t.Error(err)
	}
	r.stop(t)
	r = i.start(t)
	r.awaitGap(t, lost)
	r.stop(t)

	if _, err := admin.DeleteTopic(t.Context(), sensorTopic); err != nil {
		t.Fatal(err)
	}
	r = i.start(t)
	// One partition has one entry: the counts add up.
	r.awaitText(t, "SELECT missing || reason FROM metadb.stream_gap", "3topic sensor.library.patron, which has been read, is gone")
	r.awaitGap(t, "topic sensor.library.patron, which has been read, is gone")
	r.admin(t, "sync data source sensor with (restart)") // the first one has not been ended
	r.await(t, "the gap is over", func() error {
		if rows := r.admin(t, "list status"); rows[0][2] == "gap" {
			return fmt.Errorf("list status: %v", rows)
		}
		return nil
	})
}

// TestCompacted warns of topics that lose deletes.
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
