package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"metadb/internal/change"
)

// batchEndBytes bounds the fetch response for a damaged batch. The next batch follows a smaller one in the response,
// and its first offset is more reliable than a damaged header. A larger batch is returned alone.
const batchEndBytes = 1 << 20

// queryBatchEnd fetches the damaged batch at an offset as bytes and returns the offset after its last record, 0
// if the response does not show it. The client drops such a batch with the error of its checksum.
func (s *Source) queryBatchEnd(ctx context.Context, part change.Partition, offset int64) (next int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	topics, err := s.admin.ListTopics(ctx, part.Topic)
	if err != nil {
		return 0, fmt.Errorf("read the topic: %w", err)
	}
	detail := topics[part.Topic]
	of, ok := detail.Partitions[part.Number]
	if !ok {
		return 0, errors.New("the partition does not exist")
	}
	asked := kmsg.NewPtrFetchRequest()
	asked.MaxWaitMillis, asked.MinBytes, asked.MaxBytes = 500, 1, batchEndBytes
	topic, partition := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	topic.Topic, topic.TopicID = part.Topic, detail.ID // later versions of the protocol have the ID only
	partition.Partition, partition.FetchOffset, partition.PartitionMaxBytes = part.Number, offset, batchEndBytes
	topic.Partitions = append(topic.Partitions, partition)
	asked.Topics = append(asked.Topics, topic)
	answer, err := asked.RequestWith(ctx, s.client.Broker(int(of.Leader)))
	if err != nil {
		return 0, fmt.Errorf("fetch the batch: %w", err)
	}
	if len(answer.Topics) == 0 || len(answer.Topics[0].Partitions) == 0 {
		return 0, fmt.Errorf("fetch the batch: %w", kerr.ErrorForCode(answer.ErrorCode))
	}
	fetched := &answer.Topics[0].Partitions[0]
	return batchEnd(fetched.RecordBatches, offset, fetched.HighWatermark), kerr.ErrorForCode(fetched.ErrorCode)
}

// Positions in the header of a record batch.
// https://kafka.apache.org/documentation/#recordbatch
const (
	batchLengthAt    = 8
	batchPrefix      = 12 // the length counts the bytes after it
	batchMagicAt     = 16
	batchLastDeltaAt = 23
	batchHeaderBytes = 61
	batchMagic       = 2
)

// batchEnd returns the offset after the last record of the batch at the beginning of raw, which contains offset and
// may be damaged; 0 if it is not known. end is the partition's high watermark.
func batchEnd(raw []byte, offset, end int64) int64 {
	if len(raw) < batchHeaderBytes || raw[batchMagicAt] != batchMagic {
		return 0
	}
	base := int64(binary.BigEndian.Uint64(raw))
	length := int64(binary.BigEndian.Uint32(raw[batchLengthAt:])) + batchPrefix
	following := int64(0) // the first offset of the batch after it
	if length >= batchHeaderBytes && length+batchMagicAt < int64(len(raw)) && raw[length+batchMagicAt] == batchMagic {
		if at := int64(binary.BigEndian.Uint64(raw[length:])); at > offset && at < end {
			following, end = at, at
		}
	}
	delta := int64(int32(binary.BigEndian.Uint32(raw[batchLastDeltaAt:])))
	if next := base + delta + 1; next > offset && next <= end {
		return next
	}
	return following
}
