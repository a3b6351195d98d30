package chaos

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

	"metadb/internal/testkit/testbed"
)

// startBroker starts a broker that refuses all requests while away is set.
func (w *environment) startBroker() {
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
	if w.client, err = kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...)); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(w.client.Close)
	w.producer = newProducer(w.t, w.random, broker)
}

// createTopics creates the connector's topics.
func (w *environment) createTopics(topics ...string) {
	w.t.Helper()
	responses, err := kadm.NewClient(w.client).CreateTopics(w.t.Context(), int32(w.partitions), 1, nil, topics...)
	if err = errors.Join(err, responses.Error()); err != nil {
		w.t.Fatal(err)
	}
	for _, topic := range topics {
		w.producer.partitions[topic] = w.partitions
	}
	w.producer.connect()
}

// write passes records to the connector's producer.
func (w *environment) write(records []*kgo.Record) { w.producer.enqueue(records) }

// crashConnector loses the records that the producer has not appended yet. The connector
// restarts and sends all records from the first lost one on again, or more.
func (w *environment) crashConnector() {
	w.t.Helper()
	lost := w.producer.crash(w.source.sent)
	w.counts["lost in the producer"] += len(lost)
	w.write(w.source.again(lost))
}

// loseRecords makes n changes that the connector never sends. All records before them have been
// sent.
func (w *environment) loseRecords(n int) {
	w.t.Helper()
	w.producer.flush()
	w.source.lose(n)
}

// joinRivalConsumer joins the server's consumer group for a while, gets partitions, and leaves.
func (w *environment) joinRivalConsumer() {
	w.t.Helper()
	rival, err := kgo.NewClient(kgo.SeedBrokers(w.broker.ListenAddrs()...), kgo.ConsumerGroup(w.source.group()),
		kgo.ConsumeTopics(w.source.topics()...), kgo.DisableAutoCommit())
	if err != nil {
		w.t.Fatal(err)
	}
	w.pause(3 * time.Second)
	rival.Close()
}

// recreateTopic deletes a topic and creates it anew and empty. The stream finds the gap, unless
// the resynchronization begins before.
func (w *environment) recreateTopic(topic string) {
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

// awaitGap waits until the status shows a gap, or, if there is false, no gap.
func (w *environment) awaitGap(there bool) {
	w.t.Helper()
	err := testbed.Eventually(w.t.Context(), quietTime, fmt.Sprintf("have a gap: %t", there), func() error {
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

// addPartition adds a partition to a topic, which may have been read or not. The connector has
// sent all its records: no record shows that an older one of its key is still to come from
// another partition (docs/reliability.md, known limits).
func (w *environment) addPartition(topic string) {
	w.t.Helper()
	w.producer.flush()
	if _, err := kadm.NewClient(w.client).CreatePartitions(w.t.Context(), 1, topic); err != nil {
		w.t.Fatal(err)
	}
	w.producer.partitions[topic]++
	w.producer.connect()
}
