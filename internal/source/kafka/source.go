package kafka

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
	"metadb/internal/source"
)

// Source consumes the topics of one data source. Fetch must be called by one
// goroutine at a time; the other methods are safe beside it.
type Source struct {
	config Config
	// client consumes. admin sends queries, on connections of its own, with
	// short timeouts: they detect a broker that is away, while client retries
	// without an error.
	client    *kgo.Client
	admin     *kadm.Client
	decoder   Decoder
	committer *offsetCommitter
	// unpacker uncompresses batches. stopped are partitions that can't be read further;
	// only Fetch uses them.
	unpacker *unpacker
	stopped  stoppedPartitions

	mu sync.Mutex
	// assigned and revoked are reported with the next delivery.
	assigned []change.Assignment
	revoked  []change.Partition
	// owned are the assigned partitions.
	owned map[change.Partition]bool
	// nextOffsets is, of each assigned partition, the offset of the next record to deliver.
	nextOffsets map[change.Partition]int64
	paused      map[change.Partition]bool
	// assignErr is the error of determining the offsets of assigned partitions.
	assignErr error
}

var _ source.Source = (*Source)(nil)

// New makes the clients. It does not wait for a broker: Fetch returns the error if
// it can't be reached. The source must be closed.
func New(config Config) (*Source, error) {
	config.MaxRecordBytes = cmp.Or(config.MaxRecordBytes, DefaultMaxRecordBytes)
	s := &Source{
		config:      config,
		decoder:     config.Decoder,
		stopped:     make(stoppedPartitions),
		owned:       make(map[change.Partition]bool),
		nextOffsets: make(map[change.Partition]int64),
		paused:      make(map[change.Partition]bool),
	}
	connecting, err := s.connectOptions()
	if err != nil {
		return nil, err
	}
	// Ends must not miss partitions that have just been added: the client caches
	// metadata for metadataMinAge only.
	admin, err := kgo.NewClient(append(connecting, kgo.RetryTimeout(adminTimeout), kgo.DialTimeout(adminTimeout),
		kgo.MetadataMinAge(metadataMinAge), kgo.MaxDecompressBatchBytes(config.MaxRecordBytes))...)
	if err != nil {
		return nil, fmt.Errorf("make Kafka client: %w", err)
	}
	s.admin = kadm.NewClient(admin)
	if s.unpacker, err = newUnpacker(admin, config.MaxRecordBytes); err != nil {
		s.admin.Close()
		return nil, err
	}
	s.client, err = kgo.NewClient(append(connecting, s.consumeOptions()...)...)
	if err != nil {
		s.admin.Close()
		return nil, fmt.Errorf("make Kafka client: %w", err)
	}
	s.committer = startCommitter(s.client)
	return s, nil
}

// connectOptions returns the options that both clients share.
func (s *Source) connectOptions() ([]kgo.Opt, error) {
	opts, err := s.config.Security.clientOptions(s.config.Logger)
	if err != nil {
		return nil, err
	}
	return append(opts,
		kgo.SeedBrokers(s.config.Brokers...),
		kgo.ClientID("metadb"),
		kgo.WithLogger(kgoLogger{s.config.Logger}),
	), nil
}

// consumeOptions returns the options of the client that consumes.
func (s *Source) consumeOptions() []kgo.Opt {
	topics := make([]string, len(s.config.Topics))
	for i, expression := range s.config.Topics {
		topics[i] = expression.String()
	}
	lookEvery := cmp.Or(s.config.metadataInterval, topicInterval)
	opts := []kgo.Opt{
		kgo.ConsumeRegex(),
		kgo.ConsumeTopics(topics...),
		kgo.ConsumerGroup(s.config.ConsumerGroup),
		kgo.DisableAutoCommit(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// Control records move the position to the end of a transaction.
		kgo.KeepControlRecords(),
		// assignPartitions sets the offset after records were lost, and counts these.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxBytes(minFetchBytes),
		// A record that the broker has accepted must be read, however large it
		// is: the client would refuse it and stay before it.
		kgo.BrokerMaxReadBytes(maxResponseBytes),
		kgo.FetchMaxPartitionBytes(minFetchBytes),
		kgo.WithHooks(&fetchLimiter{}, s.unpacker),
		kgo.WithDecompressor(s.unpacker),
		kgo.FetchMaxWait(fetchWait),
		kgo.MetadataMaxAge(lookEvery),
		kgo.MetadataMinAge(lookEvery / 5),
		// Only while Fetch decodes records: see there.
		kgo.BlockRebalanceOnPoll(),
		kgo.AdjustFetchOffsetsFn(s.assignPartitions),
		kgo.OnPartitionsRevoked(s.revokePartitions),
		kgo.OnPartitionsLost(s.revokePartitions),
	}
	if s.config.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(s.config.InstanceID))
	}
	return opts
}

// revokePartitions removes partitions that were revoked. Events that were delivered before may
// still be applied: the fence on the stored positions decides.
func (s *Source) revokePartitions(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for topic, numbers := range lost {
		for _, number := range numbers {
			s.dropPartition(change.Partition{Topic: topic, Number: number})
		}
	}
}

// dropPartition removes a partition, even if its assignment has not been delivered yet. The caller
// holds the lock. The client keeps a partition paused until it is assigned again: the next
// call of Pause resumes it or not.
func (s *Source) dropPartition(part change.Partition) {
	s.revoked = append(s.revoked, part)
	s.assigned = slices.DeleteFunc(s.assigned, func(b change.Assignment) bool { return b.Partition == part })
	delete(s.owned, part)
	delete(s.nextOffsets, part)
}

// Close commits the acknowledged offsets, leaves the group, so that other members
// need not wait, and closes the clients. It takes leaveTimeout at most. Fetch
// must have returned.
func (s *Source) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	s.client.AllowRebalance()
	s.committer.closeCommitter(ctx)
	// A static member only stops here; its group is left by name.
	if err := s.client.LeaveGroupContext(ctx); err != nil {
		s.config.Logger.Debug("kafka: stop consuming", "group", s.config.ConsumerGroup, "error", err)
	}
	if s.config.InstanceID != "" {
		leave := kadm.LeaveGroup(s.config.ConsumerGroup).Reason("stopping").InstanceIDs(s.config.InstanceID)
		if _, err := s.admin.LeaveGroup(ctx, leave); err != nil {
			s.config.Logger.Debug("kafka: leave group", "group", s.config.ConsumerGroup, "error", err)
		}
	}
	s.client.Close()
	s.admin.Close()
}

// kgoLogger logs the clients' warnings at the level debug: the clients recover from these
// by themselves, and Fetch returns other errors.
type kgoLogger struct{ to *slog.Logger }

func (l kgoLogger) Level() kgo.LogLevel {
	if l.to.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelWarn
	}
	return kgo.LogLevelNone
}

func (l kgoLogger) Log(_ kgo.LogLevel, message string, pairs ...any) {
	l.to.Debug("kafka: "+message, pairs...)
}
