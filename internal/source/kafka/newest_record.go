package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"metadb/internal/change"
)

// maxClockSkew is how far a broker's or a producer's clock may be ahead of this one.
const maxClockSkew = time.Minute

// NewestTimes holds the timestamps of the newest records of some topics.
type NewestTimes struct {
	// Time is the newest timestamp that is not in the future, zero without one.
	Time time.Time
	// Ahead has the end offsets of partitions with a timestamp in the future. Kafka returns the
	// newest timestamp only: those of the other records of the partition are unknown.
	Ahead map[change.Partition]int64
}

// QueryNewestTimes returns the timestamps of the newest records of some topics, zero if they are
// empty or do not exist. It reads no record, and takes Kafka 3.0 or later.
// https://cwiki.apache.org/confluence/display/KAFKA/KIP-734
func QueryNewestTimes(ctx context.Context, brokers []string, security Security, topics []string) (NewestTimes, error) {
	if len(topics) == 0 {
		return NewestTimes{}, nil // no topic is every topic to Kafka
	}
	return queryAdmin(ctx, brokers, security, func(ctx context.Context, admin *kadm.Client) (NewestTimes, error) {
		return loadNewestTimes(ctx, admin, topics, time.Now().Add(maxClockSkew).UnixMilli())
	})
}

// loadNewestTimes is QueryNewestTimes with a client. Timestamps later than latest, in milliseconds since 1970,
// are in the future.
func loadNewestTimes(ctx context.Context, admin *kadm.Client, topics []string, latest int64) (NewestTimes, error) {
	var newest NewestTimes
	offsets, err := admin.ListMaxTimestampOffsets(ctx, topics...)
	if err != nil {
		return newest, fmt.Errorf("read the times of topics: %w", err)
	}
	made := int64(0)
	ahead := make(kadm.TopicsSet)
	offsets.Each(func(offset kadm.ListedOffset) {
		switch {
		case offset.Err != nil || offset.Offset < 0:
		case offset.Timestamp > latest:
			ahead.Add(offset.Topic, offset.Partition)
		default:
			made = max(made, offset.Timestamp)
		}
	})
	if made > 0 {
		newest.Time = time.UnixMilli(made).UTC()
	}
	if len(ahead) == 0 {
		return newest, nil
	}
	ends, err := admin.ListEndOffsets(ctx, ahead.Topics()...)
	if err != nil {
		return newest, fmt.Errorf("read the ends of topics: %w", err)
	}
	newest.Ahead = make(map[change.Partition]int64)
	ends.Each(func(end kadm.ListedOffset) {
		if end.Err == nil && ahead.Lookup(end.Topic, end.Partition) {
			newest.Ahead[change.Partition{Topic: end.Topic, Number: end.Partition}] = end.Offset
		}
	})
	return newest, nil
}
