package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"metadb/internal/change"
	"metadb/internal/source"
)

// QueryBounds returns the bounds of every partition of some topics, without joining a
// group: the first offset and the last stable one, which is the end for a reader of
// committed records. Topics that do not exist are absent. It fails if no broker answers within
// adminTimeout.
func QueryBounds(ctx context.Context, brokers []string, security Security, topics []string) (map[change.Partition]source.Bounds, error) {
	if len(topics) == 0 {
		return map[change.Partition]source.Bounds{}, nil // no topic is every topic to Kafka
	}
	return queryAdmin(ctx, brokers, security, func(ctx context.Context, admin *kadm.Client) (map[change.Partition]source.Bounds, error) {
		return loadBounds(ctx, admin, topics)
	})
}

func loadBounds(ctx context.Context, admin *kadm.Client, topics []string) (map[change.Partition]source.Bounds, error) {
	details, err := admin.ListTopics(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	var existing []string
	for name, detail := range details {
		switch {
		case detail.Err == nil:
			existing = append(existing, name)
		case !errors.Is(detail.Err, kerr.UnknownTopicOrPartition):
			return nil, fmt.Errorf("look at topic %s: %w", name, detail.Err)
		}
	}
	bounds := make(map[change.Partition]source.Bounds)
	if len(existing) == 0 {
		return bounds, nil
	}
	starts, err := admin.ListStartOffsets(ctx, existing...)
	if err != nil {
		return nil, fmt.Errorf("read the beginnings of topics: %w", err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, existing...)
	if err != nil {
		return nil, fmt.Errorf("read the ends of topics: %w", err)
	}
	for topic, numbers := range ends {
		for number, end := range numbers {
			part := change.Partition{Topic: topic, Number: number}
			start, ok := starts.Lookup(topic, number)
			switch {
			case end.Err != nil:
				return nil, fmt.Errorf("read the end of %s: %w", part, end.Err)
			case !ok:
				return nil, fmt.Errorf("read the beginning of %s: the broker did not say", part)
			case start.Err != nil:
				return nil, fmt.Errorf("read the beginning of %s: %w", part, start.Err)
			}
			bounds[part] = source.Bounds{Start: start.Offset, End: end.Offset, TopicID: change.TopicID(details[topic].ID)}
		}
	}
	return bounds, nil
}
