package resync

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/source"
)

// partitionStart is the offset from which a partition is read, and the id of its topic. Both
// are zero for a topic that does not exist any more.
type partitionStart struct {
	offset  int64
	topicID change.TopicID
}

// allPartitionStarts returns the starts of all partitions.
func allPartitionStarts(marks map[change.Partition]change.PartitionProgress, bounds map[change.Partition]source.Bounds) map[change.Partition]partitionStart {
	from := lostPartitionStarts(marks, bounds)
	for part, b := range bounds {
		from[part] = partitionStart{b.Start, b.TopicID}
	}
	return from
}

// lostPartitionStarts returns the starts of partitions that can't continue at their stored
// positions: records were removed, or the topic was deleted or created anew. The
// resynchronization of the data source replaces the missing records. Without a new start the
// stream would find the same gap again.
func lostPartitionStarts(marks map[change.Partition]change.PartitionProgress, bounds map[change.Partition]source.Bounds) map[change.Partition]partitionStart {
	from := make(map[change.Partition]partitionStart)
	unknown := change.TopicID{}
	for part, mark := range marks {
		b := bounds[part]
		another := mark.TopicID != unknown && b.TopicID != unknown && mark.TopicID != b.TopicID
		if another || mark.Next < b.Start || mark.Next > b.End {
			from[part] = partitionStart{b.Start, b.TopicID}
		}
	}
	return from
}

// storePartitionStarts stores the offsets from which partitions are read. The highest LSNs and
// times stay, because they identify events that have been applied before. The highest offset
// that was reached stays for the same topic only.
func storePartitionStarts(ctx context.Context, tx pgx.Tx, s *syncState, from map[change.Partition]partitionStart) error {
	offsets := make(map[change.Partition]int64, len(from))
	for part, f := range from {
		offsets[part] = f.offset
	}
	topics, numbers, next := partitionArrays(offsets)
	ids := make([]*[16]byte, len(topics))
	for i := range ids {
		if id := from[change.Partition{Topic: topics[i], Number: numbers[i]}].topicID; id != (change.TopicID{}) {
			ids[i] = (*[16]byte)(&id)
		}
	}
	const sql = `
INSERT INTO metadb.stream_position AS p (source_name, consumer_group, topic, partition, next_offset, topic_id)
SELECT $1, $2, * FROM unnest($3::text[], $4::int[], $5::bigint[], $6::uuid[])
ON CONFLICT (source_name, consumer_group, topic, partition)
DO UPDATE SET next_offset = excluded.next_offset, topic_id = excluded.topic_id, updated_at = now(),
	reached = CASE WHEN p.topic_id IS NOT DISTINCT FROM excluded.topic_id THEN greatest(p.reached, p.next_offset) ELSE 0 END`
	if _, err := tx.Exec(ctx, sql, s.target.Source, s.options.ConsumerGroup, topics, numbers, next, ids); err != nil {
		return fmt.Errorf("store from where to read: %w", err)
	}
	return nil
}
