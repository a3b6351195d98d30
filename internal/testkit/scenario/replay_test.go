package scenario_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/pipeline"
	"metadb/internal/source/kafka"
	"metadb/internal/target/checkpoint"
	"metadb/internal/testkit/corpus"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// replayLimit bounds the replay of one recording.
const replayLimit = pace.Hang

// batchSizes are the batches that a recording is replayed in; the tables must be
// the same with each. The quick loop tries one.
func batchSizes() []int {
	if testing.Short() {
		return []int{7}
	}
	return []int{1, 7, 1_000, 100_000}
}

// divisible is the size from which the tables of a batch are applied side by side.
const divisible = 100_000

// replay is a recording on its way through a broker and the whole data path.
type replay struct {
	*line
	name    string
	records []corpus.Record
	address string
	size    int
}

// newReplay writes a recording to a broker of its own.
func newReplay(t *testing.T, name string, size int) *replay {
	t.Helper()
	return newReplayOf(t, name, corpus.Events(t, name), size)
}

// newReplayOf writes records to a broker of their own.
func newReplayOf(t *testing.T, name string, records []corpus.Record, size int) *replay {
	t.Helper()
	topics := map[string]bool{}
	for _, record := range records {
		topics[record.Topic] = true
	}
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, slices.Sorted(maps.Keys(topics))...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	r := &replay{
		line: newLine(t, pgtest.New(t), datasourceOptions(t), nil), name: name, records: records, size: size, address: broker.ListenAddrs()[0],
	}
	r.batchEvents, r.sides = size, size >= divisible
	r.write(t, records)
	return r
}

func (r *replay) write(t *testing.T, records []corpus.Record) {
	t.Helper()
	producer, err := kgo.NewClient(kgo.SeedBrokers(r.address))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	var batch []*kgo.Record
	for _, record := range records {
		k := &kgo.Record{
			Topic: record.Topic, Partition: record.Partition, Key: record.Key, Value: record.Value,
			Timestamp: time.UnixMilli(record.Millis),
		}
		for _, header := range record.Headers {
			k.Headers = append(k.Headers, kgo.RecordHeader{Key: header.Name, Value: header.Value})
		}
		batch = append(batch, k)
	}
	if err := producer.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// follow reads the topics that match until nothing is left, and stops. Of
// records that change nothing the position need not be stored: that takes a
// while.
func (r *replay) follow(t *testing.T, topics, group string, inResync bool) {
	t.Helper()
	source, err := kafka.New(kafka.Config{
		Decoder: connectjson.NewDecoder(connectjson.Config{}),
		Brokers: []string{r.address}, Topics: []*regexp.Regexp{regexp.MustCompile(topics)}, ConsumerGroup: group,
		LoadProgress: func(ctx context.Context, parts []change.Partition) (map[change.Partition]change.PartitionProgress, error) {
			return checkpoint.Load(ctx, r.db.Pool, sourceName, group, parts)
		},
		Logger: slog.New(r.log),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	r.start(t, &slicedSource{Source: source, size: r.size}, group, inResync)
	want := map[string]int64{}
	for _, record := range r.records {
		if regexp.MustCompile(topics).MatchString(record.Topic) {
			want[record.Topic] = record.Offset + 1
		}
	}
	err = testbed.Eventually(t.Context(), replayLimit, "replay "+r.name, func() error {
		select {
		case err := <-r.failed:
			t.Fatal(err)
		default:
		}
		for topic, next := range want {
			part := change.Partition{Topic: topic}
			marks, err := checkpoint.Load(t.Context(), r.db.Pool, sourceName, group, []change.Partition{part})
			if err != nil {
				return err
			}
			if got := marks[part].Next; got < next {
				return fmt.Errorf("%s: %d of %d records have been applied", topic, got, next)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.stop(t)
}

// slicedSource divides a source's deliveries into ones of a fixed size.
type slicedSource struct {
	pipeline.Source
	size int
	rest change.Delivery
}

// Fetch implements pipeline.Source.
func (s *slicedSource) Fetch(ctx context.Context) (change.Delivery, error) {
	if len(s.rest.Events) == 0 {
		delivery, err := s.Source.Fetch(ctx)
		if err != nil {
			return change.Delivery{}, err
		}
		s.rest = delivery
	}
	slice := s.rest
	slice.Events = slice.Events[:min(s.size, len(slice.Events))]
	s.rest = change.Delivery{Events: s.rest.Events[len(slice.Events):]}
	return slice, nil
}

func datasourceOptions(t *testing.T) *datasource.Options {
	t.Helper()
	options := datasource.New(sourceName)
	for key, value := range map[string]string{
		"brokers": "localhost:9092", "security": "plaintext", "topics": "^p1", "consumer_group": groupName,
	} {
		if err := options.Set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	return options
}
