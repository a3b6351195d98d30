package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// AskNewest returns the timestamp of the newest record of some topics, zero if they are
// empty or do not exist. It reads no record, and takes Kafka 3.0 or later.
// https://cwiki.apache.org/confluence/display/KAFKA/KIP-734
func AskNewest(ctx context.Context, brokers []string, security Security, topics []string) (time.Time, error) {
	if len(topics) == 0 {
		return time.Time{}, nil // no topic is every topic to Kafka
	}
	return ask(ctx, brokers, security, func(ctx context.Context, admin *kadm.Client) (time.Time, error) {
		offsets, err := admin.ListMaxTimestampOffsets(ctx, topics...)
		if err != nil {
			return time.Time{}, fmt.Errorf("read the times of topics: %w", err)
		}
		newest := int64(0)
		offsets.Each(func(offset kadm.ListedOffset) {
			if offset.Err == nil && offset.Offset >= 0 {
				newest = max(newest, offset.Timestamp)
			}
		})
		if newest == 0 {
			return time.Time{}, nil
		}
		return time.UnixMilli(newest).UTC(), nil
	})
}
