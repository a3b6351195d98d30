package kafka

import (
	"context"
	"log/slog"
	"regexp"
	"time"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// maxPollRecords bounds a delivery. What is fetched but not delivered yet is
// bounded by the appetite.
const maxPollRecords = 2000

const (
	// fetchWait is how long a broker may wait for new records. Partitions
	// that are added meanwhile wait as long.
	fetchWait = 500 * time.Millisecond
	// fetchPatience is how long Fetch waits for records before it looks
	// whether the broker is well.
	fetchPatience = 3 * time.Second
	// adminTimeout bounds questions to the broker.
	adminTimeout = 4 * time.Second
	// dialTimeout bounds the making of an encrypted connection; questions have
	// adminTimeout by themselves.
	dialTimeout = 10 * time.Second
	// leaveTimeout bounds Close where the broker does not answer.
	leaveTimeout = 3 * time.Second
	// topicInterval is how often the client looks for new topics: docs/spec/07-commands.md#data-sources
	// wants them consumed within 30 seconds.
	topicInterval = 5 * time.Second
	// metadataMinAge is for how long the client that asks for ends trusts
	// what it knows of a topic's partitions.
	metadataMinAge = 50 * time.Millisecond
)

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
	// Firsts remembers where partitions without a stored mark were begun; nil for
	// a source that is not followed by another.
	Firsts *Firsts
	// Name is the data source's, for commands that messages name.
	Name string
	// MaxRecordBytes bounds a record, and what a batch of records unpacks to. What is larger is
	// set aside without its value. Zero is DefaultMaxRecordBytes.
	MaxRecordBytes int
	// Decoder configures the decoding of records.
	Decoder debezium.Config
	// Decoded is told how long the decoding of a delivery took; nil if nobody
	// wants to know.
	Decoded func(took time.Duration)
	// Logger gets what the client has to say.
	Logger *slog.Logger

	// lookEvery and patience replace topicInterval and fetchPatience where
	// they are not zero: tests have less time.
	lookEvery, patience time.Duration
}
