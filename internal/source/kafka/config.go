package kafka

import (
	"context"
	"log/slog"
	"regexp"
	"time"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// Bounds of what the client holds in memory. A fetch asks each broker for at
// most fetchBytes, so that what is fetched but not yet delivered stays within
// that for each broker; a single larger record is still delivered.
const (
	fetchBytes          = 8 << 20
	fetchPartitionBytes = 4 << 20
	// maxPollRecords bounds one delivery, together with fetchBytes.
	maxPollRecords = 5000
)

// topicInterval is how often the client looks for new topics: SPEC 7 wants them
// consumed within 30 seconds.
const topicInterval = 5 * time.Second

// Config says what to consume and how to connect.
type Config struct {
	// Brokers are bootstrap servers, host:port.
	Brokers []string
	// Security says how to connect.
	Security Security
	// Topics are the expressions that a topic must match, one of them,
	// unanchored.
	Topics []*regexp.Regexp
	// ConsumerGroup is the Kafka consumer group.
	ConsumerGroup string
	// InstanceID makes the member static: after a crash it takes up its
	// partitions again without waiting for the session to time out. Empty
	// for an ordinary member.
	InstanceID string
	// Marks returns the marks that are stored for some partitions; those
	// without one are absent.
	Marks func(context.Context, []change.Partition) (map[change.Partition]change.Mark, error)
	// Decoder configures the decoding of records.
	Decoder debezium.Config
	// Logger gets what the client has to say.
	Logger *slog.Logger
}
