package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// leaveTimeout bounds how long leaving the group may take when the broker does
// not answer: stopping takes seconds.
const leaveTimeout = 3 * time.Second

// Source consumes the topics of one data source. Fetch must be called by one
// goroutine at a time; the other methods are safe beside it.
type Source struct {
	config  Config
	client  *kgo.Client
	admin   *kadm.Client
	decoder *debezium.Decoder

	// jumps are still to be looked into; only Fetch uses them.
	jumps []jump

	mu sync.Mutex
	// begun and ended are reported with the next delivery.
	begun []change.Beginning
	ended []change.Partition
	// next is the offset that each partition is expected to continue with.
	next map[change.Partition]int64
}

// New makes a client. It does not wait for a broker: that one can't be reached
// is an error of Fetch.
func New(config Config) (*Source, error) {
	s := &Source{
		config:  config,
		decoder: debezium.NewDecoder(config.Decoder),
		next:    make(map[change.Partition]int64),
	}
	security, err := config.Security.options()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(security, s.options()...)...)
	if err != nil {
		return nil, fmt.Errorf("make Kafka client: %w", err)
	}
	s.client, s.admin = client, kadm.NewClient(client)
	return s, nil
}

// options returns what does not depend on the way of connecting.
func (s *Source) options() []kgo.Opt {
	topics := make([]string, len(s.config.Topics))
	for i, expression := range s.config.Topics {
		topics[i] = expression.String()
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(s.config.Brokers...),
		kgo.ClientID("metadb"),
		kgo.ConsumeRegex(),
		kgo.ConsumeTopics(topics...),
		kgo.ConsumerGroup(s.config.ConsumerGroup),
		kgo.DisableAutoCommit(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// Control records move the position to the end of a transaction.
		kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.MetadataMaxAge(topicInterval),
		kgo.MetadataMinAge(time.Second),
		kgo.AdjustFetchOffsetsFn(s.begin),
		kgo.OnPartitionsRevoked(s.end),
		kgo.OnPartitionsLost(s.end),
		kgo.WithLogger(logger{s.config.Logger}),
	}
	if s.config.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(s.config.InstanceID))
	}
	return opts
}

// end notes partitions that are no longer ours. What was delivered of them and
// is not applied yet may still be: the fence decides.
func (s *Source) end(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for topic, numbers := range lost {
		for _, number := range numbers {
			part := change.Partition{Topic: topic, Number: number}
			s.ended = append(s.ended, part)
			delete(s.next, part)
		}
	}
}

// Ack commits the ends of the spans as the group's offsets, for tools that
// watch lag. That it fails is no concern of the stream.
func (s *Source) Ack(ctx context.Context, spans []change.Span) {
	offsets := make(kadm.Offsets)
	for _, span := range spans {
		offsets.Add(kadm.Offset{Topic: span.Partition.Topic, Partition: span.Partition.Number, At: span.To.Next, LeaderEpoch: -1})
	}
	kept := make(map[string]map[int32]kgo.EpochOffset, len(offsets))
	for topic, parts := range offsets {
		kept[topic] = make(map[int32]kgo.EpochOffset, len(parts))
		for number, offset := range parts {
			kept[topic][number] = kgo.EpochOffset{Epoch: -1, Offset: offset.At}
		}
	}
	s.client.CommitOffsets(ctx, kept, nil)
}

// Ends returns the end of every partition that is being read, as the last
// stable offset: what a reader of committed records can come to.
func (s *Source) Ends(ctx context.Context) (map[change.Partition]int64, error) {
	s.mu.Lock()
	topics := make(map[string]bool)
	parts := make([]change.Partition, 0, len(s.next))
	for part := range s.next {
		topics[part.Topic] = true
		parts = append(parts, part)
	}
	s.mu.Unlock()
	ends := make(map[change.Partition]int64, len(parts))
	if len(parts) == 0 {
		return ends, nil
	}
	names := make([]string, 0, len(topics))
	for topic := range topics {
		names = append(names, topic)
	}
	listed, err := s.admin.ListCommittedOffsets(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("read the ends of topics: %w", err)
	}
	for _, part := range parts {
		offset, ok := listed.Lookup(part.Topic, part.Number)
		switch {
		case !ok:
			return nil, fmt.Errorf("read the end of %s: the broker did not say", part)
		case offset.Err != nil:
			return nil, fmt.Errorf("read the end of %s: %w", part, offset.Err)
		}
		ends[part] = offset.Offset
	}
	return ends, nil
}

// Close leaves the group, so that others need not wait, and ends the client.
func (s *Source) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if s.config.InstanceID != "" {
		leave := kadm.LeaveGroup(s.config.ConsumerGroup).Reason("stopping").InstanceIDs(s.config.InstanceID)
		if _, err := s.admin.LeaveGroup(ctx, leave); err != nil {
			s.config.Logger.Debug("leave consumer group", "group", s.config.ConsumerGroup, "error", err)
		}
	}
	s.client.Close()
}

// ErrNoTopic says that no topic matches yet.
var ErrNoTopic = errors.New("no topic matches")

// Matches reports whether any topic of the broker matches. It is an ErrNoTopic
// if none does, and another error if the broker does not answer.
func (s *Source) Matches(ctx context.Context) error {
	topics, err := s.admin.ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("ask for topics: %w", err)
	}
	for name := range topics {
		for _, expression := range s.config.Topics {
			if expression.MatchString(name) {
				return nil
			}
		}
	}
	var expressions []string
	for _, expression := range s.config.Topics {
		expressions = append(expressions, expression.String())
	}
	return fmt.Errorf("%w %s", ErrNoTopic, strings.Join(expressions, ", "))
}
