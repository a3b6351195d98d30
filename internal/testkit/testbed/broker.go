package testbed

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/testkit/eventgen"
)

// Broker is an embedded broker in the caller's own process. It keeps its data
// in memory.
type Broker struct {
	cluster *kfake.Cluster
}

// maxMessageBytes is the largest batch of records that the broker accepts, in bytes.
const maxMessageBytes = 1 << 30

// NewBroker starts a broker on a free port. Topics are made when first written
// to, with the given number of partitions.
func NewBroker(partitions int) (*Broker, error) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(partitions),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": strconv.Itoa(maxMessageBytes)}))
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	return &Broker{cluster}, nil
}

// Address returns the addresses for clients, host:port, separated by commas.
func (b *Broker) Address() string { return strings.Join(b.cluster.ListenAddrs(), ",") }

// Close stops the broker, which loses its data.
func (b *Broker) Close() { b.cluster.Close() }

// Producer writes records to a broker.
type Producer struct {
	client *kgo.Client
}

// NewProducer connects to a broker. Records are sent as they are unless further
// options compress them.
func NewProducer(address string, opts ...kgo.Opt) (*Producer, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(strings.Split(address, ",")...),
		kgo.AllowAutoTopicCreation(),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("connect producer: %w", err)
	}
	return &Producer{client}, nil
}

// Close disconnects the producer.
func (p *Producer) Close() { p.client.Close() }

// Send queues records and returns at once; Flush waits until they are written. failed is
// called for each record that could not be written.
func (p *Producer) Send(ctx context.Context, failed func(error), records ...eventgen.Record) {
	for i := range records {
		p.client.Produce(ctx, ToKafkaRecord(&records[i]), func(_ *kgo.Record, err error) {
			if err != nil {
				failed(err)
			}
		})
	}
}

// Flush waits until everything sent has been written.
func (p *Producer) Flush(ctx context.Context) error { return p.client.Flush(ctx) }

// Write writes records and waits until they are there.
func (p *Producer) Write(ctx context.Context, records ...eventgen.Record) error {
	batch := make([]*kgo.Record, len(records))
	for i := range records {
		batch[i] = ToKafkaRecord(&records[i])
	}
	if err := p.client.ProduceSync(ctx, batch...).FirstErr(); err != nil {
		return fmt.Errorf("write to the broker: %w", err)
	}
	return nil
}

// ToKafkaRecord returns the record in the form of the Kafka client.
func ToKafkaRecord(record *eventgen.Record) *kgo.Record {
	r := &kgo.Record{Topic: record.Topic, Key: record.Key, Value: record.Value, Timestamp: record.Time}
	for _, header := range record.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: header.Name, Value: header.Value})
	}
	return r
}
