package kafka

import (
	"context"
	"log/slog"
	"regexp"
	"time"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// maxPollRecords bounds a delivery. The size of fetches bounds the records that
// are fetched and not yet delivered.
const maxPollRecords = 2000

const (
	// fetchWait is how long a broker may wait for new records. Partitions
	// that are added meanwhile wait as long.
	fetchWait = 500 * time.Millisecond
	// fetchTimeout is how long Fetch waits for records before it checks
	// that the broker answers.
	fetchTimeout = 3 * time.Second
	// adminTimeout bounds questions to the broker.
	adminTimeout = 4 * time.Second
	// dialTimeout bounds the making of an encrypted connection; questions have
	// adminTimeout by themselves.
	dialTimeout = 10 * time.Second
	// leaveTimeout bounds Close where the broker does not answer.
	leaveTimeout = 3 * time.Second
	// topicInterval is how often the client checks for new topics: docs/spec/07-commands.md#data-sources
	// requires that they are consumed within 30 seconds.
	topicInterval = 5 * time.Second
	// metadataMinAge is how long the client for admin queries caches the
	// partitions of a topic.
	metadataMinAge = 50 * time.Millisecond
)

// Decoder turns a record into an event, of whichever wire format. It never fails: a record that it
// can't decode becomes a rejected event. It need not be safe for concurrent use.
type Decoder interface {
	// DecodeInto sets event, which has no field set, to the event of a record.
	DecodeInto(record *debezium.Input, event *change.Event)
}

// Config has the topics to consume and the parameters of the connection.
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
	// LoadProgress returns the stored progress of some partitions; partitions
	// without one are absent.
	LoadProgress func(context.Context, []change.Partition) (map[change.Partition]change.PartitionProgress, error)
	// FirstOffsets has the offsets where partitions without stored progress began; nil for
	// a Source that no other one follows.
	FirstOffsets *FirstOffsets
	// Name is the data source's, for commands that messages name.
	Name string
	// MaxRecordBytes bounds a record, and the uncompressed size of a batch of records. A
	// larger one is rejected without its value. Zero is DefaultMaxRecordBytes.
	MaxRecordBytes int
	// Decoder decodes the records. Only Fetch uses it.
	Decoder Decoder
	// OnDecoded, if not nil, is called with the duration of decoding a delivery.
	OnDecoded func(took time.Duration)
	// Logger gets warnings, and the client's messages at the level debug.
	Logger *slog.Logger

	// metadataInterval and fetchTimeout replace the constants topicInterval and
	// fetchTimeout if they are not zero: tests have less time.
	metadataInterval, fetchTimeout time.Duration
}
