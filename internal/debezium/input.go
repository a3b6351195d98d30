package debezium

import "metadb/internal/change"

// Input is a Kafka record as it was fetched.
type Input struct {
	Topic     string
	Partition int32
	Offset    int64
	// Time is the record's timestamp in Kafka.
	Time change.Micros
	// Key and Value are nil if they are absent.
	Key, Value []byte
	Headers    []change.Header
}
