package kafka

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
	"metadb/internal/debezium/connectjson"
)

const mostInTest = 16 << 20

// openBounded is open for a source that takes mostInTest.
func (b *broker) openBounded(stored *storedProgress) *Source {
	b.t.Helper()
	s := b.newBounded(stored)
	b.t.Cleanup(s.Close)
	return s
}

func (b *broker) newBounded(stored *storedProgress) *Source {
	b.t.Helper()
	s, err := New(Config{
		Decoder: connectjson.NewDecoder(connectjson.Config{}),
		Brokers: b.cluster.ListenAddrs(), Topics: []*regexp.Regexp{regexp.MustCompile(`^library\.`)}, ConsumerGroup: group,
		LoadProgress: stored.load, Logger: slog.New(slog.DiscardHandler), Name: "sensor", MaxRecordBytes: mostInTest,
		metadataInterval: 500 * time.Millisecond, fetchTimeout: 300 * time.Millisecond,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// largeBatches lets the broker take batches of any size.
func largeBatches() kfake.Opt {
	return kfake.BrokerConfigs(map[string]string{"message.max.bytes": "1073741824"})
}

// write sends one batch, compressed by a codec of the test's own if it is not nil.
func (b *broker) write(compressor kgo.Compressor, records ...*kgo.Record) {
	b.t.Helper()
	opts := []kgo.Opt{
		kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(256 << 20), kgo.BrokerMaxWriteBytes(512 << 20), kgo.ProducerLinger(50 * time.Millisecond),
	}
	if compressor != nil {
		opts = append(opts, kgo.WithCompressor(compressor))
	} else {
		opts = append(opts, kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		b.t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(b.t.Context(), records...).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

// damaged is a compressor that makes invalid batches.
type damaged struct{}

func (damaged) Compress(dst *bytes.Buffer, _ []byte, _ ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	dst.WriteString("no zstd frame")
	return dst.Bytes(), kgo.CodecZstd
}

func value(topic string, partition int32, size int) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Value: bytes.Repeat([]byte("x"), size)}
}

// fetchAll fetches until there are n events, and returns them with the last error of
// stopped partitions.
func fetchAll(t *testing.T, s *Source, n int) (events []change.Event, stopped error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	for len(events) < n {
		delivery, err := s.Fetch(ctx)
		if err != nil && ctx.Err() != nil {
			t.Fatalf("got %d events of %d, stopped: %v", len(events), n, stopped)
		}
		events, stopped = append(events, delivery.Events...), delivery.Stopped
	}
	return events, stopped
}

// TestBatchThatUnpacksTooLarge expects the batch to be rejected without its value, and the
// following records to be read.
func TestBatchThatUnpacksTooLarge(t *testing.T) {
	b := startBroker(t, largeBatches())
	b.create("library.patron", 1)
	b.produce("library.patron", 0, 1)
	b.write(nil, value("library.patron", 0, 4*mostInTest))
	b.write(nil, value("library.patron", 0, mostInTest), value("library.patron", 0, mostInTest), value("library.patron", 0, 1))
	b.produce("library.patron", 0, 1)
	events, stopped := fetchAll(t, b.openBounded(&storedProgress{}), 5)
	if stopped != nil {
		t.Errorf("stopped: %v", stopped)
	}
	for i, want := range []struct {
		offset int64
		op     change.Op
		reason string
	}{
		{0, change.Reject, "not what Debezium writes"},
		{1, change.Reject, "unpacks to more than 16 MB: set aside without its value"},
		{2, change.Reject, "with all records up to offset 4"},
		{4, change.Ignore, ""},
		{5, change.Reject, "not what Debezium writes"},
	} {
		if e := &events[i]; e.Position.Offset != want.offset || e.Op != want.op || !strings.Contains(e.Reason, want.reason) || len(e.Record.Value()) > 100 {
			t.Errorf("event %d: got %s %s %q, want %+v", i, e.Position, e.Op, e.Reason, want)
		}
	}
}

// TestLargeRecordThatIsNotPacked expects a large uncompressed record to be rejected without its value.
func TestLargeRecordThatIsNotPacked(t *testing.T) {
	b := startBroker(t, largeBatches())
	b.create("library.patron", 1)
	large := value("library.patron", 0, mostInTest)
	large.Key = []byte("key")
	b.write(notPacked{}, large)
	b.produce("library.patron", 0, 1)
	events, _ := fetchAll(t, b.openBounded(&storedProgress{}), 2)
	if e := &events[0]; e.Op != change.Reject || e.Record.Value() != nil || string(e.Record.Key) != "key" || !strings.Contains(e.Reason, "16777219 bytes, the limit is 16 MB") {
		t.Errorf("got %s %q, key %q, %d bytes", e.Op, e.Reason, e.Record.Key, len(e.Record.Value()))
	}
}

// notPacked does not compress.
type notPacked struct{}

func (notPacked) Compress(_ *bytes.Buffer, src []byte, _ ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	return src, kgo.CodecNone
}

// TestLargeBatchesTogether: they are all read, though not at once.
func TestLargeBatchesTogether(t *testing.T) {
	const partitions = 5
	b := startBroker(t, largeBatches())
	b.create("library.patron", partitions)
	for part := range int32(partitions) {
		b.write(nil, value("library.patron", part, mostInTest*3/4))
	}
	s := b.openBounded(&storedProgress{})
	events, _ := fetchAll(t, s, partitions)
	seen := make(map[change.Partition]bool)
	for _, e := range events {
		seen[e.Position.Partition] = true
		if !strings.Contains(e.Reason, "not what Debezium writes") {
			t.Errorf("%s: %s", e.Position, e.Reason)
		}
	}
	if len(seen) != partitions {
		t.Errorf("got %v", seen)
	}
}

// TestUnreadableBatch expects the batch's partition to stop, with an error that has the command
// to skip it, while others are read. After reading from the offset behind it, the partition
// continues.
func TestUnreadableBatch(t *testing.T) {
	b := startBroker(t)
	b.create("library.patron", 2)
	b.produce("library.patron", 0, 1)
	b.write(damaged{}, value("library.patron", 0, 10), value("library.patron", 0, 10))
	b.produce("library.patron", 0, 1)
	stored := &storedProgress{}
	s := b.newBounded(stored)
	fetchAll(t, s, 1)
	var unreadable *UnreadableError
	for i := range 3 {
		b.produce("library.patron", 1, 1)
		_, stopped := fetchAll(t, s, 1)
		if i > 0 && !errors.As(stopped, &unreadable) {
			t.Fatalf("stopped: %v", stopped)
		}
	}
	const remedy = "skip partition library.patron/0 to offset 3 for data source sensor;"
	if unreadable.Offset != 1 || unreadable.Remedy() != remedy || !strings.Contains(unreadable.Error(), remedy) {
		t.Errorf("got %v", unreadable)
	}
	stored.store(change.Partition{Topic: "library.patron"}, change.PartitionProgress{Next: unreadable.Next})
	s.Close()
	events, stopped := fetchAll(t, b.openBounded(stored), 4)
	if stopped != nil {
		t.Errorf("stopped: %v", stopped)
	}
	for _, e := range events {
		if e.Position.Partition.Number == 0 && e.Position.Offset != 3 {
			t.Errorf("got %s", e.Position)
		}
	}
}

// TestStoppedPartitionsAreForgotten expects a partition that has not failed for a while to be
// dropped, unless the client does not retry it.
func TestStoppedPartitionsAreForgotten(t *testing.T) {
	s := make(stoppedPartitions)
	s.addFailure(change.Partition{Topic: "b"}, errors.New("damaged"), true)
	s.addFailure(change.Partition{Topic: "a"}, errors.New("not allowed"), false)
	if got := s.joinErrors(); got == nil || got.Error() != "not allowed\ndamaged" {
		t.Errorf("got %v", got)
	}
	s.dropExpired(time.Now().Add(2 * stoppedTimeout))
	if got := s.joinErrors(); got == nil || got.Error() != "damaged" {
		t.Errorf("got %v", got)
	}
}
