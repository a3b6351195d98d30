package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"metadb/internal/change"
)

// stoppedFor is for how long a partition counts as one that can't be read after its last
// failure, unless the client has given it up.
const stoppedFor = 15 * time.Second

// stopped are the partitions that can't be read on, while others are. Only Fetch uses it.
type stopped map[change.Partition]stoppedPartition

// stoppedPartition is why a partition can't be read on.
type stoppedPartition struct {
	err error
	// at is when that was last seen. final says that the client does not try again.
	at    time.Time
	final bool
}

// UnreadableError says that records can't be read, and that nothing but passing them by helps.
type UnreadableError struct {
	Partition change.Partition
	// Offset is that of the first record, Next the one to go on from; EndKnown says that all
	// before it belongs to the same batch.
	Offset, Next int64
	EndKnown     bool
	source       string
	err          error
}

func (e *UnreadableError) Error() string {
	text := fmt.Sprintf("read %s: the batch at offset %d can't be read: %v; to go on without it: %s", e.Partition, e.Offset, e.err, e.Remedy())
	if !e.EndKnown {
		text += " (or to a later offset, if the batch has more records)"
	}
	return text
}

// Unwrap returns what went wrong.
func (e *UnreadableError) Unwrap() error { return e.err }

// Remedy is the command that passes the records by.
func (e *UnreadableError) Remedy() string {
	return fmt.Sprintf("skip partition %s/%d to offset %d for data source %s;", topicName(e.Partition.Topic), e.Partition.Number, e.Next, sourceName(e.source))
}

// topicName is a topic as the command takes it.
func topicName(topic string) string {
	if strings.Contains(topic, "--") {
		return `"` + topic + `"`
	}
	return topic
}

// sourceName is the name of a data source as a command takes it.
func sourceName(name string) string {
	plain := name != ""
	for i, c := range []byte(name) {
		plain = plain && ('a' <= c && c <= 'z' || c == '_' || i > 0 && '0' <= c && c <= '9')
	}
	if plain {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// add notes a failure.
func (s stopped) add(part change.Partition, err error, final bool) {
	s[part] = stoppedPartition{err: err, at: time.Now(), final: final}
}

// expire forgets partitions that have not failed for a while, though nothing has been read
// of them since.
func (s stopped) expire(now time.Time) {
	for part, failure := range s {
		if !failure.final && now.Sub(failure.at) > stoppedFor {
			delete(s, part)
		}
	}
}

// err says which partitions can't be read, nil if all can.
func (s stopped) err() error {
	parts := make([]change.Partition, 0, len(s))
	for part := range s {
		parts = append(parts, part)
	}
	slices.SortFunc(parts, func(a, b change.Partition) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Number, b.Number))
	})
	all := make([]error, len(parts))
	for i, part := range parts {
		all[i] = s[part].err
	}
	return errors.Join(all...)
}
