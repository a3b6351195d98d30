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

// stoppedTimeout is how long a partition counts as stopped after its last failure. A partition
// that the client does not retry stays stopped.
const stoppedTimeout = 15 * time.Second

// stoppedPartitions has the partitions that can't be read further, while others are. Only Fetch uses
// it.
type stoppedPartitions map[change.Partition]stoppedPartition

// stoppedPartition has the error of a partition that can't be read further.
type stoppedPartition struct {
	err error
	// failedAt is the time of the last failure. final says that the client does not retry.
	failedAt time.Time
	final    bool
}

// UnreadableError is the error for records that can't be read and that an administrator can
// only skip.
type UnreadableError struct {
	Partition change.Partition
	// Offset is the offset of the first unreadable record, Next the offset to continue
	// from. EndKnown says that the batch of the first record ends at Next.
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

// Unwrap returns the cause.
func (e *UnreadableError) Unwrap() error { return e.err }

// Remedy returns the command that skips the records.
func (e *UnreadableError) Remedy() string {
	return fmt.Sprintf("skip partition %s/%d to offset %d for data source %s;", quoteTopic(e.Partition.Topic), e.Partition.Number, e.Next, quoteSource(e.source))
}

// quoteTopic returns a topic in the syntax of the command.
func quoteTopic(topic string) string {
	if strings.Contains(topic, "--") {
		return `"` + topic + `"`
	}
	return topic
}

// quoteSource returns the name of a data source in the syntax of commands.
func quoteSource(name string) string {
	plain := name != ""
	for i, c := range []byte(name) {
		plain = plain && ('a' <= c && c <= 'z' || c == '_' || i > 0 && '0' <= c && c <= '9')
	}
	if plain {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// addFailure stores a partition's failure.
func (s stoppedPartitions) addFailure(part change.Partition, err error, final bool) {
	s[part] = stoppedPartition{err: err, failedAt: time.Now(), final: final}
}

// dropExpired drops partitions that have not failed for stoppedTimeout, even if no record of them
// has been read since.
func (s stoppedPartitions) dropExpired(now time.Time) {
	for part, failure := range s {
		if !failure.final && now.Sub(failure.failedAt) > stoppedTimeout {
			delete(s, part)
		}
	}
}

// joinErrors joins the errors of the stopped partitions, nil if there are no such partitions.
func (s stoppedPartitions) joinErrors() error {
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
