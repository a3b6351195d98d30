package change

import (
	"fmt"
	"time"
)

// Partition is one partition of a Kafka topic, or a table of a source without topics. Its events
// have an order of their own, and its progress is stored by itself.
type Partition struct {
	Topic  string
	Number int32
}

// String returns topic/number.
func (p Partition) String() string { return fmt.Sprintf("%s/%d", p.Topic, p.Number) }

// Lane is the unit of order: changes of different lanes are in no order that matters, and a lane
// is divided, parked and paused as a whole. It is a topic of Kafka, or a table of a source
// without topics.
type Lane string

// Lane returns the lane of a partition.
func (p Partition) Lane() Lane { return Lane(p.Topic) }

// Position is the place of one record in the stream. Of a source without offsets, Offset counts the
// events of the partition, since the first one.
type Position struct {
	Partition Partition
	Offset    int64
}

// String returns topic/partition@offset.
func (p Position) String() string { return fmt.Sprintf("%s@%d", p.Partition, p.Offset) }

// TopicID is the identity that Kafka gives to a topic when it is created; a
// topic that is deleted and created again has another one. Zero for a broker
// that gives no ids.
type TopicID [16]byte

// RestartPoint is a place in a source that can't begin to read at each event, such as the end of a
// transaction. A position in it has two parts: the restart point, and how many of the events after it
// are applied. It is zero for a source that can begin at each offset.
type RestartPoint struct {
	// Offset is the offset of the first event after the place.
	Offset int64
	// Place is the place in the source's own form, which only the source reads.
	Place string
}

// Micros is a point in time: microseconds since 1970-01-01 00:00:00 UTC, the
// resolution of PostgreSQL's timestamps.
type Micros int64

// UTC returns the point in time for calendars, messages and parameters of statements.
func (m Micros) UTC() time.Time { return time.UnixMicro(int64(m)).UTC() }

// Span is the part of one partition that a batch covers. From is the progress that
// must be stored for the batch to be applied, To the progress stored with it. Fresh
// says that no progress is stored yet; From.Next is then the offset where reading
// began.
type Span struct {
	Partition Partition
	Fresh     bool
	From, To  PartitionProgress
}
