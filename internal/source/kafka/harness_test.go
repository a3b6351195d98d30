package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"metadb/internal/change"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/testkit/freeport"
	"metadb/internal/testkit/pace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const group = "metadb_sensor_1_1"

// testTimeout is how long a test waits for an expected event.
const testTimeout = pace.Hang

// broker is a fake Kafka and a client of it.
type broker struct {
	t       *testing.T
	cluster *kfake.Cluster
	client  *kgo.Client
	admin   *kadm.Client
}

func startBroker(t *testing.T, opts ...kfake.Opt) *broker {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{t: t, cluster: cluster, client: client, admin: kadm.NewClient(client)}
	t.Cleanup(func() {
		client.Close()
		b.cluster.Close()
	})
	return b
}

func (b *broker) create(topic string, partitions int32) {
	b.t.Helper()
	if _, err := b.admin.CreateTopic(b.t.Context(), partitions, 1, nil, topic); err != nil {
		b.t.Fatal(err)
	}
}

// produce appends n records to a partition.
func (b *broker) produce(topic string, partition int32, n int) {
	b.t.Helper()
	for i := range n {
		record := &kgo.Record{Topic: topic, Partition: partition, Key: []byte(strconv.Itoa(i)), Value: []byte("no envelope")}
		if err := b.client.ProduceSync(b.t.Context(), record).FirstErr(); err != nil {
			b.t.Fatal(err)
		}
	}
}

// storedProgress stands in for the database.
type storedProgress struct {
	mu     sync.Mutex
	stored map[change.Partition]change.PartitionProgress
}

func (m *storedProgress) load(_ context.Context, parts []change.Partition) (map[change.Partition]change.PartitionProgress, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := maps.Clone(m.stored)
	maps.DeleteFunc(found, func(part change.Partition, _ change.PartitionProgress) bool {
		for _, wanted := range parts {
			if wanted == part {
				return false
			}
		}
		return true
	})
	return found, nil
}

func (m *storedProgress) store(part change.Partition, mark change.PartitionProgress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stored == nil {
		m.stored = make(map[change.Partition]change.PartitionProgress)
	}
	m.stored[part] = mark
}

// open makes a source of all topics that begin with "library.".
func (b *broker) open(instance string, stored *storedProgress) *Source {
	b.t.Helper()
	s, err := New(Config{
		Decoder:          connectjson.NewDecoder(connectjson.Config{}),
		Brokers:          b.cluster.ListenAddrs(),
		Topics:           []*regexp.Regexp{regexp.MustCompile(`^library\.`)},
		ConsumerGroup:    group,
		InstanceID:       instance,
		LoadProgress:     stored.load,
		Logger:           slog.New(slog.DiscardHandler),
		metadataInterval: 500 * time.Millisecond,
		fetchTimeout:     300 * time.Millisecond,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// received collects the deliveries of a source.
type received struct {
	offsets  map[change.Partition][]int64
	assigned map[change.Partition]change.Assignment
	revoked  map[change.Partition]bool
	errs     []error
}

// listen fetches until the deliveries are enough.
func listen(t *testing.T, s *Source, enough func(*received) bool) *received {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	h := &received{
		offsets:  make(map[change.Partition][]int64),
		assigned: make(map[change.Partition]change.Assignment), revoked: make(map[change.Partition]bool),
	}
	for !enough(h) {
		delivery, err := s.Fetch(ctx)
		if ctx.Err() != nil {
			t.Fatalf("waited in vain; heard %+v", h)
		}
		if err != nil {
			h.errs = append(h.errs, err)
		}
		for _, part := range delivery.Revoked {
			h.revoked[part] = true
		}
		for _, b := range delivery.Assigned {
			h.assigned[b.Partition] = b
		}
		for _, e := range delivery.Events {
			part := e.Position.Partition
			h.offsets[part] = append(h.offsets[part], e.Position.Offset)
		}
	}
	return h
}

// has reports whether a partition's offsets from first to last were delivered,
// each once.
func (h *received) has(part change.Partition, first, last int64) bool {
	var want []int64
	for offset := first; offset <= last; offset++ {
		want = append(want, offset)
	}
	return fmt.Sprint(h.offsets[part]) == fmt.Sprint(want)
}

// freePort returns a port without a listener.
func freePort(t *testing.T) int {
	t.Helper()
	ports, err := freeport.Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	return ports[0]
}

// deleteBefore removes a partition's records before an offset.
func (b *broker) deleteBefore(part change.Partition, offset int64) {
	b.t.Helper()
	offsets := make(kadm.Offsets)
	offsets.AddOffset(part.Topic, part.Number, offset, -1)
	if _, err := b.admin.DeleteRecords(b.t.Context(), offsets); err != nil {
		b.t.Fatal(err)
	}
}
