package torture

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"metadb/internal/rig"
)

// startBroker starts a broker that can be told not to answer.
func (w *world) startBroker() {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(broker.Close)
	w.broker = broker
	broker.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		if w.away.Load() {
			return nil, errors.New("the broker is away"), true
		}
		return nil, nil, false
	})
	w.connect()
	w.t.Cleanup(func() { w.client.Close() })
}

// connect makes a producer that knows all partitions.
func (w *world) connect() {
	if w.client != nil {
		w.client.Close()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(w.broker.ListenAddrs()...), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.client = client
}

// createTopics makes the connector's topics.
func (w *world) createTopics(topics ...string) {
	w.t.Helper()
	responses, err := kadm.NewClient(w.client).CreateTopics(w.t.Context(), int32(w.partitions), 1, nil, topics...)
	if err = errors.Join(err, responses.Error()); err != nil {
		w.t.Fatal(err)
	}
	w.connect()
}

// write sends records in their order and waits until the broker has them.
func (w *world) write(records []*kgo.Record) {
	w.t.Helper()
	for _, r := range records {
		r.Timestamp = time.Time{} // now, as a connector has it, and not when the change happened
	}
	if err := w.client.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// rival joins the server's consumer group for a while, gets partitions, and leaves.
func (w *world) rival() {
	w.t.Helper()
	rival, err := kgo.NewClient(kgo.SeedBrokers(w.broker.ListenAddrs()...), kgo.ConsumerGroup(w.source.group()),
		kgo.ConsumeTopics(w.source.topics()...), kgo.DisableAutoCommit())
	if err != nil {
		w.t.Fatal(err)
	}
	w.pause(3 * time.Second)
	rival.Close()
}

// recreate deletes a topic and makes it anew, with nothing in it. The stream
// notices, unless the resynchronization comes first.
func (w *world) recreate(topic string) {
	w.t.Helper()
	if _, err := kadm.NewClient(w.client).DeleteTopic(w.t.Context(), topic); err != nil {
		w.t.Fatal(err)
	}
	w.createTopics(topic)
	w.source.sent = slices.DeleteFunc(w.source.sent, func(r *kgo.Record) bool { return r.Topic == topic })
	if w.random.IntN(2) == 0 {
		w.awaitGap(true)
	}
}

// awaitGap waits until the status says that there is a gap, or none.
func (w *world) awaitGap(there bool) {
	w.t.Helper()
	err := rig.Eventually(w.t.Context(), quiet, fmt.Sprintf("have a gap: %t", there), func() error {
		status := w.status()
		if running := strings.Contains(status, " active "); strings.Contains(status, " gap ") != there || !there && !running {
			return errors.New(status)
		}
		return nil
	})
	if err != nil {
		w.t.Fatalf("%v\n%s", err, w.describe())
	}
}

// addPartition gives a topic one more, whether it has been read or not.
func (w *world) addPartition(topic string) {
	w.t.Helper()
	if _, err := kadm.NewClient(w.client).CreatePartitions(w.t.Context(), 1, topic); err != nil {
		w.t.Fatal(err)
	}
	w.connect()
}
